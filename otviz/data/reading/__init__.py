"""Points from users' files: text, Parquet, NumPy and MATLAB tables, and pictures as densities."""
