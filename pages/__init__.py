"""What users see: layout and calls. One file `<order>_<name>.py` is one page."""
