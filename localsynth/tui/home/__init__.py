"""The parts of Home: what it knows, its lists, its dialogs."""
