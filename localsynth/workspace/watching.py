"""What someone who watches a run asks again and again: cheap, and over at once, so that the run is not kept waiting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import PolicyError
from localsynth.core.events import Event
from localsynth.core.run import Run
from localsynth.runs.bus import read_events
from localsynth.runs.lock import holder
from localsynth.store import datasets, trouble
from localsynth.store import runs as records
from localsynth.store.newest import newest_rows

from .base import Base
from .permission import still_shown

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Heard", "Newest", "Watching"]

_AT_ONCE = 2**18  # bytes of events; more would keep a thread busy for longer than a person should notice


@dataclass(frozen=True)
class Heard:
    """events : since the last time. offset : where to go on. more : others wait to be read. maker : as ``Workspace.maker``."""

    events: tuple[Event, ...]
    offset: int
    more: bool
    maker: int | None


@dataclass(frozen=True)
class Newest:
    """A run as it stands in the store. numbers : of its newest rows, the last first; rows : their first columns."""

    run: Run
    numbers: list[int]
    rows: pa.Table


class Watching(Base):
    """Runs looked at while they are made, by this process or another."""

    def listen(self, run: Run, offset: int = 0) -> Heard:
        """The run's events from a byte offset on, without the database. Raises ``StoreError`` where they cannot be read."""
        path = self.events_file(run)
        maker = holder(path.parent)  # asked before reading: what was written until then is read below
        try:
            events, end = read_events(path, offset, _AT_ONCE)
        except OSError as error:
            raise trouble.from_os(error, path, "read") from error
        return Heard(tuple(events), end, end - offset >= _AT_ONCE, maker)

    def events_file(self, run: Run) -> Path:
        """Where whoever makes the run writes what happens, a line of JSON for each event."""
        return self.folder / "runs" / run.run_id / "events.jsonl"

    def newest(self, run: Run, *, rows: int = 20, columns: int = 50) -> Newest:
        """The run as it stands, with its newest rows. Raises ``NotFound`` where it was deleted."""
        return Newest(*newest_rows(self.store, run.run_id, rows, columns))

    def last_prompt(self, run: Run) -> str | None:
        """The last prompt as the model read it; ``None`` where no model was asked.

        Raises ``PolicyError`` where the dataset's policy has been narrowed since and would not allow such a prompt today.
        """
        if not still_shown(self.store, run):
            policy = datasets.get(self.store, run.dataset).policy
            raise PolicyError(
                f"the prompts of run {run.run_id} hold {run.exposure.label}, and the policy of '{run.dataset}' allows"
                f" no more than: {policy.label}",
                f"the owner of the data can change it: localsynth schema set {run.dataset} --policy"
                f" {run.exposure.label}",
            )
        return records.example_prompt(self.store, run.run_id)
