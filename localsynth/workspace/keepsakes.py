"""What the terminal UI keeps in a workspace between starts (places, drafts, queries), rid of all that names a dataset."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .mentions import Mentions

__all__ = ["forget_kept", "without_forgotten"]

_FORGOTTEN = "forgotten"
_MOST = 100
# Prompts, rejected rows and the like, whosoever they are: a condition on them may hold what stood there.
_OF_RUNS = re.compile(r"(?<!\w)meta\s*\.", re.IGNORECASE)


def forget_kept(workspace: Path, dataset: str, runs: Iterable[str]) -> list[Path]:
    """Rewrite, or remove, what the UI keeps; gives the files that changed or went. Raises ``OSError``."""
    names = list(runs)
    mentions = Mentions(dataset, names)
    changed = []
    state = workspace / "ui" / "state.json"
    if state.exists():
        places = _read(state)
        earlier = places.get(_FORGOTTEN)
        gone = earlier[1 - _MOST :] if isinstance(earlier, list) else []
        said = {"dataset": dataset, "runs": names, "at": time.time()}
        _write(
            state,
            json.dumps(
                {**_without(places, mentions), _FORGOTTEN: [*gone, said]}, ensure_ascii=False, indent=1
            ),
        )
        changed.append(state)
    history = workspace / "ui" / "history.jsonl"
    if history.exists():
        lines = history.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if not _tells(_query(line), mentions)]
        if len(kept) < len(lines):
            _write(history, "".join(f"{line}\n" for line in kept))
            changed.append(history)
    for leftover in (*(workspace / "ui").glob("*.new"),):
        leftover.unlink(missing_ok=True)
    for path in sorted((workspace / "queries").glob("*.sql")):
        if _tells(path.read_text(encoding="utf-8", errors="replace"), mentions):
            path.unlink()
            changed.append(path)
    return changed


def without_forgotten(places: Mapping[str, Any], since: float) -> dict[str, Any]:
    """What a UI that began at that moment (seconds since the epoch) may still keep, after others forgot datasets."""
    left = dict(places)
    said = left.get(_FORGOTTEN)
    for one in said if isinstance(said, list) else ():
        with suppress(TypeError, KeyError):  # of another version, or no such note at all
            if one["at"] > since:
                left = {**_without(left, Mentions(one["dataset"], one["runs"])), _FORGOTTEN: said}
    return left


def _without(places: Mapping[str, Any], mentions: Mentions) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for key, value in places.items():
        if key == _FORGOTTEN or mentions.within(key):
            continue
        kept = _pruned(value, mentions)
        if not mentions.within(json.dumps(kept, ensure_ascii=False)):
            left[key] = kept
    return left


def _pruned(value: Any, mentions: Mentions) -> Any:
    """A table of drafts without those that name it; texts of queries likewise."""
    if isinstance(value, dict) and isinstance(value.get("texts"), list):
        texts = [text for text in value["texts"] if not _tells(str(text), mentions)]
        return {**value, "texts": texts, "at": 0}
    if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        return {
            name: one
            for name, one in value.items()
            if not mentions.within(name) and not mentions.within(json.dumps(one, ensure_ascii=False))
        }
    return value


def _tells(query: str, mentions: Mentions) -> bool:
    """Whether a query may tell of the dataset."""
    return mentions.within(query) or _OF_RUNS.search(query) is not None


def _query(line: str) -> str:
    try:
        told = json.loads(line)
    except ValueError:
        return "meta."  # half a line
    return f"{told.get('sql', '')} {told.get('problem', '')}" if isinstance(told, dict) else "meta."


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
