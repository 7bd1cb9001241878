"""Worker processes: starting, requests, and their end."""
