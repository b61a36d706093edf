"""What was measured, as people read it: one HTML file, a terminal, two runs side by side."""
