"""What templates need to say numbers to people."""
