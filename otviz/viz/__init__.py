"""Views: one file is one Plotly figure. They change when a user acts; what moves is drawn by the player."""
