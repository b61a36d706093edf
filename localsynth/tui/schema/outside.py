"""A person's own editor on a text: the UI steps aside, and what comes back is given, never judged here."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from localsynth.core.errors import LocalsynthError

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["edited", "editor_command"]

_HOW = "set it before you start localsynth, such as: export EDITOR=nano"


def editor_command() -> list[str]:
    """The words of ``$VISUAL``, else ``$EDITOR``, else ``vi`` where it is. Raises ``LocalsynthError`` where there is none."""
    for name in ("VISUAL", "EDITOR"):
        if not (said := os.environ.get(name, "").strip()):
            continue
        try:
            words = shlex.split(said)
        except ValueError as error:
            raise LocalsynthError(f"${name} cannot be read as a command: {error}", _HOW) from None
        if shutil.which(words[0]) is None:
            raise LocalsynthError(f"there is no program '{words[0]}', which ${name} names", _HOW)
        return words
    if shutil.which("vi") is not None:
        return ["vi"]
    raise LocalsynthError("no editor is set: $VISUAL and $EDITOR are empty", _HOW)


def edited(app: App[Any], text: str, folder: Path, suffix: str) -> str:
    """The text as it is after a person edited it, in a file that only they can read and that is gone afterwards.

    The event loop stands still meanwhile. Raises ``LocalsynthError`` where there is no editor, or it failed.
    """
    command = editor_command()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="edit-", suffix=suffix, dir=folder)  # 0600
    except OSError as error:
        raise LocalsynthError(
            f"{folder} cannot be written: {error.strerror}", "check rights and space"
        ) from None
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        with app.suspend():
            code = subprocess.run([*command, str(path)], check=False).returncode
        if code:
            raise LocalsynthError(
                f"the editor {command[0]} ended with code {code}; nothing was taken over", "try again"
            )
        return path.read_text(encoding="utf-8")
    except SuspendNotSupported:
        raise LocalsynthError(
            "this terminal cannot be lent to an editor", "export the file (x), edit it, and use `schema set`"
        ) from None
    except UnicodeDecodeError:
        raise LocalsynthError("what the editor saved is not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        raise LocalsynthError(f"the editor could not be used: {error.strerror}", _HOW) from None
    finally:
        path.unlink(missing_ok=True)
