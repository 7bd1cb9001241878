"""What the browser gets: snapshots as bytes (`wire`), and the scripts and styles that draw them (`browser`)."""
