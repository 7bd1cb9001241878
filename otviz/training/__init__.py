"""The training loop and its parts: networks, optimisers, compiled and stacked steps, presets."""
