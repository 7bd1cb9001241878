"""One transport problem between two clouds of points: posed, solved, as numbers and drawn, without any training."""
