"""The room that knows DuckDB: the workspace file, what is in it, and how it is read and written."""
