"""The frame of every page: links, browser sessions, channels, components, downloads, shutdown."""
