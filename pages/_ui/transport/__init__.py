"""The page Transport: its board, what answers it, its views."""
