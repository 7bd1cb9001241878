"""The frame around every page: links, browser sessions, channels, components, downloads, the shutdown."""
