"""Worker processes of ours: how one is started, asked, and ends."""
