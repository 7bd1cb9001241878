"""What the pages share: everything of the user interface that is not one page."""
