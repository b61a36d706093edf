"""What an empty workspace shows: how to begin."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from localsynth.tui.plain import line

__all__ = ["Welcome"]


class Welcome(Static):
    """The first three keys. A person who may only look is told so instead."""

    DEFAULT_CSS = """
    Welcome { width: 64; max-width: 100%; height: auto; border: round $primary; padding: 1 2; }
    Welcome.-short { padding: 0 1; }
    """

    def tell(self, folder: str, keys: tuple[str, str, str], *, exists: bool, read_only: bool) -> None:
        """folder : of the workspace. keys : for importing, for a sample, for the recipe."""
        self.border_title = "Welcome to localsynth"
        place = Text.assemble(
            "Workspace: ", line(folder, "bold"), "" if exists else "  (made when it is first used)"
        )
        if read_only:
            self.update(Text.assemble("There is nothing to look at yet.\n\n", place))
            return
        steps = Table.grid(padding=(0, 2))
        told = (
            ("Import a table", "a CSV, TSV, Parquet or JSON-lines file of yours"),
            ("Take a sample", "or try one of the tables that come with localsynth"),
            ("Make rows", "then choose a method: it learns from the table"),
        )
        for key, (title, about) in zip(keys, told, strict=True):
            steps.add_row(
                Text(f" {key} ", "reverse bold"), Text.assemble((title, "bold"), "\n", (about, "dim"))
            )
        self.update(Group(Text("Nothing leaves this machine. Begin with:\n"), steps, Text(""), place))
