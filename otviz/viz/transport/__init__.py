"""Plotly figures of transport: costs, plans, potentials, and trained maps."""
