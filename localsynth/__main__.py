"""``python -m localsynth`` is the command line."""

from __future__ import annotations

from localsynth.cli.main import main

if __name__ == "__main__":
    main()
