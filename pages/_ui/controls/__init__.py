"""Widgets that set knobs, and the settings of a run on points or images."""
