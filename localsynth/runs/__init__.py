"""The loop that makes rows: what is missing, one batch after the other, and how to stop and go on."""
