"""One transport problem between two clouds of points: posed, solved, told in numbers and drawn without any training."""
