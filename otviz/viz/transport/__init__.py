"""Plotly figures of transport: costs, plans, potentials, and what a method learned of them."""
