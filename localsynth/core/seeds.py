"""Seeds: everything random is a function of the run's seed and of what it is for, never of what came before."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["derive"]


def derive(seed: int, *purpose: int | str) -> int:
    """A 63-bit seed for one purpose: ``derive(run_seed, "batch", 7)``.

    The same arguments give the same seed on every machine; different purposes give unrelated seeds.
    """
    digest = blake2b(digest_size=8)
    for part in (seed, *purpose):
        data = f"{type(part).__name__}:{part}".encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    return int.from_bytes(digest.digest(), "little") >> 1
