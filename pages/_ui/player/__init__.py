"""Animations: the player, live updates, and the controls of runs."""
