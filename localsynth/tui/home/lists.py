"""Home's three lists, each with the keys for what is chosen in it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from localsynth.tui.plain import one_line
from localsynth.tui.widgets.listing import Column, Listing

from .lines import DATASETS, MODELS, RUNS

__all__ = ["DatasetList", "HomeList", "ModelList", "RunList"]


class HomeList(Listing):
    """A titled list. Its actions are the screen's."""

    def __init__(self) -> None:
        super().__init__(self.COLUMNS, aside="reading the workspace ...", id=self.ID)
        self.add_class("panel")
        self._told = ("", "")
        self.name_it("")

    COLUMNS: ClassVar[tuple[Column, ...]] = DATASETS
    ID = ""
    TITLE = ""

    def name_it(self, more: str, about: str = "") -> None:
        """more : after the title. about : what the chosen line has no room for."""
        told = (one_line(f"{self.TITLE}{more}"), one_line(about))
        if told != self._told:
            self._told = told
            self.border_title, self.border_subtitle = Content(told[0]), Content(told[1])


class DatasetList(HomeList):
    """Tables, with or without rows."""

    HELP = """\
The datasets of this workspace: real rows, how many of them train and how many are held out to judge by, columns, and how much
of the rows **models may see** (its policy). A dot marks the one that all places are about. Enter goes to its columns. `D`
forgets a dataset: its rows, runs, statistics, prompts, adapters and checkpoints, down to the bytes of the database file.
"""
    ID, TITLE, COLUMNS = "datasets", "Datasets", DATASETS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "screen.choose_dataset",
            "Choose",
            show=False,
            tooltip="Make it the present dataset",
            id="home.choose",
        ),
        Binding(
            "p", "screen.policy", "Policy", tooltip="How much models may see of the dataset", id="home.policy"
        ),
        Binding(
            "d",
            "screen.remove_dataset",
            "Remove",
            tooltip="Remove the dataset, after asking",
            id="home.remove",
        ),
        Binding(
            "D",
            "screen.forget_dataset",
            "Forget",
            tooltip="Remove it so that no byte of it stays in the workspace",
            id="home.forget",
        ),
    ]


class RunList(HomeList):
    """Runs, newest first."""

    HELP = """\
The runs, newest first. **model sees**: how much of the real rows the method shows. **told apart**: how well a classifier tells
the rows from real ones (area under the ROC curve): 0.5 is not at all, 1 always, `-` not evaluated yet. `interrupted`: its
process is gone, and it can be resumed. Enter goes to a run that is being made, or to the report of one that is done.
"""
    ID, TITLE, COLUMNS = "runs", "Runs", RUNS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "screen.choose_run",
            "Choose",
            show=False,
            tooltip="Make it the present run",
            id="home.choose_run",
        ),
        Binding("e", "screen.export", "Export", tooltip="Write the run's rows to a file", id="home.export"),
        Binding(
            "f",
            "screen.filter",
            "Filter",
            show=False,
            tooltip="Runs of the present dataset only, or all",
            id="home.filter",
        ),
        Binding("d", "screen.delete_run", "Delete", tooltip="Delete the run, after asking", id="home.delete"),
    ]


class ModelList(HomeList):
    """Language models on this machine."""

    HELP = """\
The language models that methods can use, on this machine or known by name. **default**: used where a recipe names none.
**fits here**: whether it fits into the memory that is free now. Methods that need no model do without any of them.
"""
    ID, TITLE, COLUMNS = "models", "Models", MODELS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "v",
            "screen.verify_model",
            "Verify",
            tooltip="Read the model's whole file again",
            id="home.verify",
        ),
        Binding("a", "screen.add_model", "Add", tooltip="Add a model file of your own", id="home.add_model"),
        Binding(
            "n",
            "screen.install_model",
            "Install",
            tooltip="Install the model from a file carried here, or see how to fetch it",
            id="home.fetch_model",
        ),
        Binding(
            "d",
            "screen.remove_model",
            "Remove",
            show=False,
            tooltip="Remove the model, after asking",
            id="home.remove_model",
        ),
    ]
