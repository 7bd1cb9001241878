"""How good samples are: `metrics` of points, scores of images, and `verdicts` in words."""
