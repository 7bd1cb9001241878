"""The training loop and what it is made of: networks, optimisers, compiled and stacked steps, presets."""
