"""Faults on purpose, and what a workspace must be like after each."""
