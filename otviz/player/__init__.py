"""What the browser receives: snapshots as bytes (`wire`), and the scripts and styles that draw them (`browser`)."""
