"""The nouns of localsynth. No I/O, nothing from outside but pydantic."""
