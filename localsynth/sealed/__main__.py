"""``python -m localsynth.sealed MODULE ARGUMENT...``: run a module in a process closed to the network."""

from __future__ import annotations

import sys

from localsynth.sealed import seal

if __name__ == "__main__":
    seal()
    import runpy

    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
