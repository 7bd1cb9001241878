"""The page Transport: the board, its state, the views."""
