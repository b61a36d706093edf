"""What the UI keeps between starts: a person's settings, and where they were in a workspace.

Settings (theme, keys) are in ``$XDG_CONFIG_HOME/localsynth/ui.toml``, a file for people. Where they were, and what they
asked, may tell of the data: it is kept with the data, in ``<workspace>/ui``, with mode 0600.
"""

from __future__ import annotations

import copy
import json
import os
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .places import PLACES
from .subject import Subject

__all__ = ["Memory", "Settings", "settings_file"]


def settings_file() -> Path:
    """Where a person's settings are."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "localsynth" / "ui.toml"


@dataclass
class Settings:
    """theme : a name. keys : binding id -> key or keys. problems : what could not be used, in sentences."""

    theme: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """What the file says; what it says wrongly becomes a sentence in ``problems``."""
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            return cls(problems=[f"{path} cannot be used: {error}"])
        found = cls()
        for key, value in data.items():
            if key == "theme" and isinstance(value, str):
                found.theme = value
            elif key == "keys" and isinstance(value, dict):
                found._take_keys(value, path)
            else:
                found.problems.append(f"{path}: '{key}' is not understood; there are theme and [keys]")
        return found

    def _take_keys(self, keys: Mapping[str, Any], path: Path) -> None:
        from .bindings import misspelt, spelt

        for name, value in keys.items():
            if (wrong := misspelt(name, value)) is not None:
                self.problems.append(f"{path}: {wrong}")
            else:
                self.keys[name] = spelt(value)


class Memory:
    """Reads at the start, writes when told to; where it cannot write, nothing is kept, and :attr:`trouble` says why.

    Only what changed is written over: another UI on the workspace may have kept something meanwhile.
    """

    def __init__(self, folder: Path | None, settings: Settings, places: Mapping[str, Any]) -> None:
        self.settings = settings
        self.trouble = ""
        self._since = time.time()
        self._folder = folder
        self._places = dict(places)
        self._begun: dict[str, Any] = copy.deepcopy(self._places)

    @classmethod
    def read(cls, workspace: str | None, *, keep: bool = True) -> Memory:
        """What was kept. keep : whether to write anything of the workspace."""
        # As `workspace_folder`, whose module takes too long to import before the first paint.
        base = (
            Path(workspace or os.environ.get("LOCALSYNTH_WORKSPACE") or "workspace").expanduser().absolute()
        )
        folder = base / "ui"
        return cls(folder if keep else None, Settings.read(settings_file()), _places(folder))

    @property
    def folder(self) -> Path | None:
        """Where more may be kept, ``None`` where nothing may."""
        return self._folder

    def get(self, name: str, default: Any = None) -> Any:
        """What a screen kept under a name: anything JSON can hold."""
        return self._places.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Keep it until the UI closes, and then in the file."""
        self._places[name] = value

    @property
    def place(self) -> str:
        """The name of the place the UI was at; the first one where that is not known."""
        kept = self.get("place")
        return next((one.name for one in PLACES if one.name == kept), PLACES[0].name)

    @property
    def subject(self) -> Subject:
        """What the UI was about."""
        dataset, run = self.get("dataset"), self.get("run")
        return Subject(dataset if isinstance(dataset, str) else None, run if isinstance(run, str) else None)

    @subject.setter
    def subject(self, subject: Subject) -> None:
        self.put("dataset", subject.dataset)
        self.put("run", subject.run)

    def choose_theme(self, theme: str) -> None:
        """Write it into the person's settings, the rest of which stays as it is."""
        self.settings.theme = theme
        path = settings_file()
        try:
            old = path.read_text(encoding="utf-8") if path.exists() else ""
            lines = [one for one in old.splitlines() if not one.replace(" ", "").startswith("theme=")]
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, "\n".join([f"theme = {json.dumps(theme)}", *lines]).rstrip() + "\n")
        except OSError as error:
            self.trouble = f"{path} cannot be written: {error.strerror}"

    def write(self) -> None:
        """Keep where the person was; only in a workspace that is there."""
        if self._folder is None or not self._folder.parent.is_dir():
            return
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            theirs = _places(self._folder)
            kept = theirs | {
                name: _merged(self._begun.get(name), ours, theirs[name]) if name in theirs else ours
                for name, ours in self._places.items()
            }
            if "forgotten" in theirs:
                from localsynth.workspace.keepsakes import without_forgotten

                kept = without_forgotten(kept, self._since)
            _write(self._folder / "state.json", json.dumps(kept, ensure_ascii=False, indent=1))
        except OSError as error:
            self.trouble = f"{self._folder} cannot be written: {error.strerror}"


def _places(folder: Path) -> dict[str, Any]:
    """What is kept in a file now; nothing where it cannot be read."""
    try:
        places = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return places if isinstance(places, dict) else {}


def _merged(before: Any, ours: Any, theirs: Any) -> Any:
    """Ours where it is not what it was before, else theirs; of drafts, which are tables in a table, draft by draft."""
    if ours == before:
        return theirs
    if not (_drafts(ours) and _drafts(theirs)):
        return ours
    was = before if _drafts(before) else {}
    changed = {name for name in (*was, *ours) if ours.get(name) != was.get(name)}
    others = {name: draft for name, draft in theirs.items() if name not in changed}
    return others | {name: draft for name, draft in ours.items() if name in changed}


def _drafts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
