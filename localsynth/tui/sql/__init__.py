"""Parts of the SQL place."""
