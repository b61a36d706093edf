"""Metrics: how valid, faithful and useful rows are, and how much they tell about real people."""
