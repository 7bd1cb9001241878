"""Points from users' files: text, Parquet and NumPy tables, and pictures as densities."""
