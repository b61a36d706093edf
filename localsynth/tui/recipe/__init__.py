"""Parts of the place where recipes are written."""
