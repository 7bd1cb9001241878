"""The user interface behind the pages: controls, player, frame, and one folder per page."""
