"""Moving pictures: the canvas, what it follows, and how runs are steered."""
