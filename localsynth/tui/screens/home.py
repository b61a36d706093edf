"""Home: datasets, runs and models of the workspace, and the way to more of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from localsynth.tui.home.board import HomeBoard
from localsynth.tui.home.lists import DatasetList, ModelList, RunList
from localsynth.tui.widgets.listing import Listing

if TYPE_CHECKING:
    from textual.worker import Worker

    from localsynth.workspace import Job

__all__ = ["HomeScreen"]

_DONE = frozenset({"finished", "short"})


class HomeScreen(HomeBoard):
    """Where one begins."""

    HELP = """\
# Home

`i` imports a table of yours, `s` takes a sample, `t` describes a table that has no rows; then F4 chooses a method and makes
rows. Tab, or `1`, `2` and `3`, goes from list to list; the footer shows what can be done with the chosen line. `l` lists the
jobs that work in the background. What other programs change in the workspace shows up here by itself.
"""
    WRITES = frozenset(
        {
            "import_table",
            "import_sample",
            "declare",
            "policy",
            "remove_dataset",
            "forget_dataset",
            "delete_run",
            "verify_model",
            "add_model",
            "install_model",
            "remove_model",
        }
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "import_table", "Import", tooltip="Import a table of your own", id="home.import"),
        Binding(
            "s",
            "import_sample",
            "Sample",
            tooltip="Import a table that comes with localsynth",
            id="home.sample",
        ),
        Binding(
            "t",
            "declare",
            "Describe",
            show=False,
            tooltip="A dataset without rows, from a schema file",
            id="home.describe",
        ),
        Binding(
            "l",
            "jobs",
            "Jobs",
            show=False,
            tooltip="What works in the background, and what it said",
            id="home.jobs",
        ),
        Binding("r", "read_again", "Read again", show=False, id="home.read"),
        Binding("1", "focus_list('datasets')", "Datasets", show=False, id="home.datasets"),
        Binding("2", "focus_list('runs')", "Runs", show=False, id="home.runs"),
        Binding("3", "focus_list('models')", "Models", show=False, id="home.models"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._forgetting: Worker[None] | None = None

    # --- going on ----------------------------------------------------------------------------------------------------

    @on(Listing.Opened)
    async def _opened(self, event: Listing.Opened) -> None:
        if isinstance(event.listing, DatasetList):
            self.action_choose_dataset()
            await self.ui.action_go("schema")
        elif isinstance(event.listing, RunList) and self.run is not None:
            standing = self.standing(self.run)
            self.action_choose_run()
            await self.ui.action_go("report" if standing in _DONE else "run")
        elif isinstance(event.listing, ModelList) and self.model is not None:
            from localsynth.tui.home.jobs import LogDialog
            from localsynth.tui.home.lines import model_facts

            self.app.push_screen(LogDialog(self.model.name, model_facts(self.model)))

    def action_choose_dataset(self) -> None:
        """The present dataset from now on; its run stays, where it has one."""
        if (dataset := self.dataset) is not None and dataset.name != self.subject.dataset:
            self.ui.about(dataset.name)

    def action_choose_run(self) -> None:
        """The present run from now on, and its dataset."""
        if (run := self.run) is not None:
            self.ui.about(run.dataset, run.run_id)

    def action_focus_list(self, name: str) -> None:
        """Go to a list."""
        self.query_one(f"#{name}").focus()

    def action_read_again(self) -> None:
        """Everything, now."""
        self.read_now()

    def action_filter(self) -> None:
        """Runs of the present dataset, or all."""
        self.only = not self.only
        self.paint()

    def action_jobs(self) -> None:
        """What works in the background."""
        from localsynth.tui.home.jobs import JobsDialog

        self.app.push_screen(JobsDialog())

    # --- bringing in -------------------------------------------------------------------------------------------------

    def action_import_table(self) -> None:
        """A table of one's own."""
        from localsynth.tui.home.tables import choose_file

        self.go(self._import(choose_file), group="home.change")

    def action_import_sample(self) -> None:
        """A table that comes with the program."""
        from localsynth.tui.home.tables import choose_sample

        self.go(self._import(choose_sample), group="home.change")

    async def _import(self, choose: Callable[[HomeScreen], Coroutine[Any, Any, str | None]]) -> None:
        from localsynth.tui.home.tables import bring_in

        source = await choose(self)
        job: Job | None = await bring_in(self, source) if source is not None else None
        if job is not None:
            self.expect(job)

    def action_declare(self) -> None:
        """A dataset without rows."""
        self.go(self._declare(), group="home.change")

    async def _declare(self) -> None:
        from localsynth.tui.home.tables import declare

        if (name := await declare(self)) is not None:
            self.say(f"described {name}; Enter shows its columns, F4 makes rows")
            self.ui.about(name)
            self.read_now()

    # --- datasets and runs -------------------------------------------------------------------------------------------

    def action_policy(self) -> None:
        """How much models may see."""
        from localsynth.tui.home.tables import choose_policy

        if (dataset := self.dataset) is not None:
            self.go(self._changed(choose_policy(self, dataset)), group="home.change")

    def action_remove_dataset(self) -> None:
        """After asking."""
        from localsynth.tui.home.tables import remove_dataset

        if (dataset := self.dataset) is not None:
            self.go(self._changed(remove_dataset(self, dataset.name)), group="home.change")

    def action_forget_dataset(self) -> None:
        """No byte of it stays; its name is asked for."""
        if self._forgetting is not None and not self._forgetting.is_finished:
            self.say("a dataset is being forgotten", warning=True)
        elif (dataset := self.dataset) is not None:
            self._forgetting = self.go(self._forget(dataset.name), group="home.forget")

    async def _forget(self, name: str) -> None:
        from localsynth.tui.home.forgetting import forget_dataset

        if await forget_dataset(self, name, self.doing):
            self.read_now()

    def action_delete_run(self) -> None:
        """After asking."""
        from localsynth.tui.home.tables import delete_run

        if (run := self.run) is not None:
            self.go(self._changed(delete_run(self, run)), group="home.change")

    def action_export(self) -> None:
        """Rows into a file."""
        from localsynth.tui.home.tables import export

        if (run := self.run) is not None:
            self.go(export(self, run, self.standing(run)), group="home.export")

    # --- models ------------------------------------------------------------------------------------------------------

    def action_verify_model(self) -> None:
        """Its whole file."""
        from localsynth.tui.home.models import verify_model

        if (model := self.model) is not None:
            self.go(verify_model(self, model), group="home.verify")

    def action_add_model(self) -> None:
        """A file of one's own."""
        from localsynth.tui.home.models import add_model

        self.go(self._changed(add_model(self, self.told)), group="home.model")

    def action_install_model(self) -> None:
        """From the network, after asking."""
        from localsynth.tui.home.models import install_model

        if (model := self.model) is not None:
            self.go(self._changed(install_model(self, model, self.told)), group="home.model")

    def action_remove_model(self) -> None:
        """After asking."""
        from localsynth.tui.home.models import remove_model

        if (model := self.model) is not None:
            self.go(self._changed(remove_model(self, model)), group="home.model")

    async def _changed(self, work: Coroutine[Any, Any, bool]) -> None:
        try:
            if await work:
                self.read_now()
        finally:
            self.told("", 1.0)
