"""``python -m localsynth.sealed MODULE ARGUMENT...``: run a module, closed to the network and within its memory."""

from __future__ import annotations

import sys

from localsynth.sealed import limit, seal

if __name__ == "__main__":
    seal()
    limit.apply()
    import runpy

    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
