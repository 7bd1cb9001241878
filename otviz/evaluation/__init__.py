"""Evaluation of samples: `metrics` of points, scores of images, and `verdicts` in words."""
