"""Methods make rows. Each is a plug-in found by entry point; none leans on another."""
