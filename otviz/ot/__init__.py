"""Optimal transport between samples: costs, conjugates, Sinkhorn, divergences and the exact programme."""
