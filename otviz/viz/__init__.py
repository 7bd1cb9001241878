"""Plotly figures, one per file. They change when the user acts; animations are drawn by the player."""
