"""Parts of the place Schema: a draft of a dataset's schema, tables and forms on it, and dialogs."""
