"""One module per place, and the base they share."""
