"""A dataset forgotten with everything of it, after a person has typed its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from localsynth.core.words import counted, size_text

from .asking import NameDialog
from .jobs import LogDialog

if TYPE_CHECKING:
    from localsynth.tui.screens.base import PlaceScreen
    from localsynth.workspace.forgetting import Forgotten, ToForget

__all__ = ["forget_dataset"]


async def forget_dataset(screen: PlaceScreen, name: str, doing: Callable[[str], None]) -> bool:
    """Ask, then do it in a thread; whether it is gone. doing : told what is done, from that thread."""
    what = await screen.ask(lambda space: space.to_forget(name))
    answer = await screen.app.push_screen_wait(
        NameDialog(
            f"Forget the dataset {what.dataset}?",
            _goes(what),
            "",
            yes="Forget",
            tick="leave the copies of the workspace, which hold it" if what.copies else "",
            wrong=partial(_other_name, what.dataset),
        )
    )
    if answer is None:
        return False
    keep_copies = answer[1]
    if screen.subject.dataset == what.dataset:
        screen.ui.about(None)  # no place shows or reads its rows meanwhile
    doing(f"forgetting {what.dataset}")
    try:
        gone = await screen.ask(
            lambda space: space.forget(
                what.dataset,
                keep_copies=keep_copies,
                say=lambda step: doing(f"forgetting {what.dataset}: {step}"),
            )
        )
    finally:
        doing("")
    screen.say(_gone(gone), warning=bool(gone.found))
    if left := _left(gone):
        screen.app.push_screen(LogDialog(f"Forgot {what.dataset}", f"{_gone(gone)}\n\n{left}"))
    return True


def _goes(what: ToForget) -> str:
    """What will be removed, and what will not."""
    made = f"{counted(len(what.runs), 'run')} with {counted(what.made, 'row')}"
    kept = f"{counted(len(what.adapters), 'adapter')}; {counted(len(what.jobs), 'job')}"
    said = (
        f"No byte of it stays in the workspace: {counted(what.rows, 'real row')}; {made}, their statistics, prompts,"
        f" checkpoints and scores; {kept}; logs; drafts and queries that name it. The database ({size_text(what.size)}) is"
        " written anew, then everything is searched.\n"
        "What stays: the audit log, which holds no data, and what was spent of a privacy budget.\n"
    )
    if what.copies:
        names = ", ".join(one.name for one in what.copies)
        said += f"Copies of the whole workspace from before go, too: {names}.\n"
    if what.outside:
        files = counted(len(what.outside), "exported file")
        said += f"{files}: yours, and listed afterwards.\n"
    if what.leaning:
        runs = counted(len(what.leaning), "run")
        said += (
            f"{runs} of other datasets, made with an adapter learnt from it: left, and listed afterwards.\n"
        )
    return f"{said}\nTo forget it for good, type its name: {what.dataset}"


def _other_name(wanted: str, typed: str, _ticked: bool) -> str:
    return "" if typed == wanted else f"that is not its name: type {wanted}, or leave with Escape"


def _gone(gone: Forgotten) -> str:
    """What was removed, in a sentence."""
    what = gone.what
    said = (
        f"forgot {what.dataset}: {counted(what.rows, 'real row')}, {counted(len(what.runs), 'run')},"
        f" {counted(len(what.adapters), 'adapter')}; the database has {size_text(gone.after)}"
    )
    found = ": none found" if not gone.found else ""
    looked = f"; everything was searched for {counted(gone.searched, 'value')} of it{found}"
    return said + (looked if gone.searched else "")


def _left(gone: Forgotten) -> str:
    """What a person still has to look at; empty where there is nothing."""
    what = gone.what
    lists = (
        ("A value of it still stands in:", gone.found),
        ("Exported from it, and yours to remove:", what.outside),
        ("Copies of the workspace from before, which may hold its rows:", gone.kept),
        ("Runs made with an adapter learnt from it; delete them if they must be gone:", what.leaning),
    )
    return "\n\n".join("\n".join([head, *(f"  {one}" for one in found)]) for head, found in lists if found)
