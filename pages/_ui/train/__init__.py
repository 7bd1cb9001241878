"""The pages Train and Images: the views below the picture."""
