"""Parts of the place Rows."""
