"""A few hundred inputs for every reader: seeds, seeds cut and changed, and bytes. ``scripts/fuzz.py`` tries millions."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.fuzz_kit import TARGETS, Target

ALWAYS = (
    b"",
    b"\0",
    b"[",
    b"{",
    b"\xff\xfe\0",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"[" * 4000,
    b"a=" + b"[" * 4000,
    b'{"a":' * 3000,
    b"(" * 3000,
    b'"' * 999,
    b"1" * 5000,
    b"\r\n" * 500,
)


def changed(seed: bytes, words: tuple[str, ...], chance: random.Random) -> bytes:
    """A good input with something cut out, doubled, overwritten, or put in."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.choice((0, 1, 4, 40)))
        match chance.randint(0, 4):
            case 0:
                del data[at:to]
            case 1:
                data[at:at] = data[at:to] * chance.randint(1, 30)
            case 2:
                data[at:to] = chance.randbytes(chance.choice((1, 4, 8)))
            case 3 if words:
                data[at:to] = chance.choice(words).encode()
            case _:
                del data[at:]
    return bytes(data)


def inputs(target: Target, count: int) -> Iterator[bytes]:
    seeds = list(target.seeds())
    yield from (*ALWAYS, *seeds)
    chance = random.Random(target.name)
    for _ in range(count):
        yield changed(chance.choice(seeds), target.words, chance)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_whatever_comes_is_read_or_refused(target: Target) -> None:
    for data in inputs(target, 6 if target.slow else 300):
        try:
            target(data)
        except BaseException:
            print(f"the input was {data[:2000]!r}")
            raise


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_good_inputs_are_read(target: Target) -> None:
    """Else the test above would be one of refusals alone."""
    read = 0
    for seed in target.seeds():
        try:
            target.read(seed)
            read += 1
        except Exception as error:  # noqa: BLE001 - which is told below
            print(f"{type(error).__name__}: {error}")
    assert read > 0
