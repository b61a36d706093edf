"""What Home does with datasets and runs: brings them in, describes, shares, exports and removes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.words import counted
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.paths import PathDialog

from .asking import NameDialog
from .choice import POLICIES, Choice, ChoiceDialog
from .importing import SUFFIXES, ImportDialog

if TYPE_CHECKING:
    from localsynth.core.dataset import Dataset
    from localsynth.core.run import Run
    from localsynth.core.schema import Schema
    from localsynth.tui.screens.base import PlaceScreen
    from localsynth.workspace import Job, Workspace

__all__ = [
    "bring_in",
    "choose_file",
    "choose_policy",
    "choose_sample",
    "declare",
    "delete_run",
    "export",
    "remove_dataset",
]

_FORMATS = (".csv", ".tsv", ".parquet", ".jsonl")


# --- bringing in ------------------------------------------------------------------------------------------------------


async def choose_file(screen: PlaceScreen) -> str | None:
    """A table of one's own; the folder is remembered."""
    start = str(screen.ui.memory.get("home.folder") or "")
    path = await screen.app.push_screen_wait(PathDialog("Import a table", start, SUFFIXES))
    if path is None:
        return None
    screen.ui.memory.put("home.folder", f"{path.parent}/")
    return str(path)


async def choose_sample(screen: PlaceScreen) -> str | None:
    """One of the tables that come with the program."""
    samples = await screen.ask(lambda space: space.samples())
    choices = [Choice(one.name, one.name, _brief(one.description)) for one in samples]
    name = await screen.app.push_screen_wait(ChoiceDialog("Take a sample", choices))
    return None if name is None else f"sample:{name}"


def _brief(text: str) -> str:
    """The first sentence, without where it is from."""
    return text.split(". ")[0].split(" (")[0].rstrip(".")


async def bring_in(screen: PlaceScreen, source: str) -> Job | None:
    """Ask how, and start the job that imports it."""
    names = await screen.ask(_names)
    fields: dict[str, Any] | None = await screen.app.push_screen_wait(ImportDialog(source, names))
    if fields is None:
        return None
    return await screen.ask(lambda space: space.start_job("import", **fields))


async def declare(screen: PlaceScreen) -> str | None:
    """A dataset without rows, from a schema file; gives its name."""
    start = str(screen.ui.memory.get("home.folder") or "")
    path = await screen.app.push_screen_wait(
        PathDialog("Describe a table: its schema file", start, (".toml",))
    )
    if path is None:
        return None
    schema, names = await screen.ask(lambda space: (_checked(path), _names(space)))
    taken = {name.casefold() for name in names}
    about = (
        f"{path.name} describes {counted(len(schema.columns), 'column')} and {counted(len(schema.rules), 'rule')}."
        " The dataset will have no rows; methods that need none make rows from the description alone."
    )
    answer = await screen.app.push_screen_wait(
        NameDialog(
            "Describe a table",
            about,
            path.stem.removesuffix(".schema"),
            yes="Describe",
            tick="replace the dataset of the same name; its runs stay",
            wrong=partial(_wrong_name, taken),
        )
    )
    if answer is None:
        return None
    name, replace = answer
    await screen.ask(lambda space: space.init().declare(name, schema, replace=replace))
    return name


def _names(space: Workspace) -> list[str]:
    return [one.name for one in space.datasets()] if space.exists else []


def _checked(path: Path) -> Schema:
    from localsynth.core.schema import Schema
    from localsynth.workspace.checking import check_schema

    schema = Schema.load(path)
    check_schema(schema)
    return schema


def _wrong_name(taken: set[str], name: str, replace: bool) -> str:
    from localsynth.core.schema import dataset_name

    try:
        dataset_name(name)
    except ValueError as error:
        return str(error)
    if name.casefold() in taken and not replace:
        return f"there is a dataset called '{name}' already: choose another name, or tick 'replace'"
    return ""


# --- what there is ----------------------------------------------------------------------------------------------------


async def choose_policy(screen: PlaceScreen, dataset: Dataset) -> bool:
    """How much of it models may see from now on; whether that changed."""
    dialog = ChoiceDialog(f"What models may see of {dataset.name}", POLICIES, dataset.policy.label)
    policy = await screen.app.push_screen_wait(dialog)
    if policy is None or policy == dataset.policy.label:
        return False
    await screen.ask(lambda space: space.set_policy(dataset.name, policy))
    screen.say(f"models may see of {dataset.name} from now on: {policy}")
    return True


async def remove_dataset(screen: PlaceScreen, name: str) -> bool:
    """With all that was made of it, after asking; whether it is gone."""
    detail = await screen.ask(partial(_goes_with, name))
    dialog = ConfirmDialog(f"Remove the dataset {name}?", "Remove", detail=detail)
    if not await screen.app.push_screen_wait(dialog):
        return False
    gone = await screen.ask(lambda space: space.remove_dataset(name))
    screen.say(f"removed {gone.dataset}: {counted(gone.rows, 'real row')}, {counted(len(gone.runs), 'run')}")
    if screen.subject.dataset == gone.dataset:
        screen.ui.about(None)
    return True


def _goes_with(name: str, space: Workspace) -> str:
    found = space.dataset(name)
    runs, adapters, copies = space.runs(found.name), space.adapters(found.name), space.copies()
    lines = [
        "What goes, for good:",
        f"- {counted(found.rows, 'real row')} in {counted(len(found.schema.columns), 'column')}, and the description",
        f"- {counted(len(runs), 'run')} with {counted(sum(run.rows_done for run in runs), 'row')}, their statistics and scores",
        f"- {counted(len(adapters), 'adapter')} learnt from it"
        + (f": {', '.join(one.label for one in adapters)}" if adapters else ""),
        "What was exported to files stays where it is.",
    ]
    if copies:
        lines.append(
            "Copies of the workspace from before may hold it, too; delete them if it must be gone:\n"
            + "\n".join(f"  {one}" for one in copies)
        )
    return "\n".join(lines)


async def delete_run(screen: PlaceScreen, run: Run) -> bool:
    """With its rows, after asking; whether it is gone."""
    adapters = await screen.ask(
        lambda space: [one for one in space.adapters(run.dataset) if one.run_id == run.run_id]
    )
    lines = [
        "What goes, for good:",
        f"- {counted(run.rows_done, 'row')} of {run.dataset}, made by {run.method}",
        "- its log, its statistics and its scores",
    ]
    if adapters:
        lines.append(f"What it learnt stays: {counted(len(adapters), 'adapter')}")
    dialog = ConfirmDialog(f"Delete the run {run.run_id}?", "Delete", detail="\n".join(lines))
    if not await screen.app.push_screen_wait(dialog):
        return False
    await screen.ask(lambda space: space.delete_run(run))
    screen.say(f"deleted {run.run_id} with {counted(run.rows_done, 'row')}")
    if screen.subject.run == run.run_id:
        screen.ui.about(screen.subject.dataset)
    return True


async def export(screen: PlaceScreen, run: Run, standing: str) -> None:
    """A run's rows into a file whose suffix says the format."""
    folder = str(screen.ui.memory.get("home.exports") or "")
    title = "Export rows: .csv, .tsv, .parquet or .jsonl"
    start = f"{folder}{run.run_id}.csv"
    dialog = PathDialog(title, start, _FORMATS, must_exist=False, save=True)
    path = await screen.app.push_screen_wait(dialog)
    if path is None:
        return
    # Agreed to in the dialog, where the file was there.
    written = await screen.ask(lambda space: space.export(run, path, overwrite=True))
    screen.ui.memory.put("home.exports", f"{path.parent}/")
    unfinished = "" if standing in {"finished", "short"} else f" (the run is {standing})"
    screen.say(f"wrote {counted(run.rows_done, 'row')} to {written}{unfinished}")
