"""Parts of the place Run: what is heard of a run, and the panels that tell it."""
