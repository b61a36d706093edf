"""Rows brought to given statistics: integer margins, and values swapped between rows until pair tables fit."""
