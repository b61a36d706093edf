"""The terminal UI: a front end of :mod:`localsynth.workspace`, beside the command line. The only room that knows Textual.

``start`` opens it; ``app`` holds the places (``places``) and what is common to them; each place is a screen in ``screens``.
"""
