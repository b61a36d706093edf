"""How far a run is, in words, numbers and a bar; and, when it is over, how it ended and what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from localsynth.core.events import Progress
from localsynth.core.run import Status
from localsynth.core.words import counted, duration
from localsynth.report.plaintext import sparks
from localsynth.tui.bridge import Watched
from localsynth.tui.plain import line

__all__ = ["INTERRUPTED", "Facts", "ProgressTold", "about_time", "bar", "rate_words", "standing"]

INTERRUPTED = "interrupted"
_SPARKS = 24
_REJECTS = 6
_STYLES = {
    "running": "bold",
    "finished": "bold green",
    "short": "bold yellow",
    "cancelled": "bold yellow",
    "failed": "bold red",
    INTERRUPTED: "bold yellow",
}


@dataclass(frozen=True)
class Facts:
    """What the store knows beside. engine : how it is laid out. members, parent : runs whose rows belong to these.

    usual : seconds that a run like this takes on this machine, ``None`` where nobody knows.
    """

    engine: str = ""
    members: str | None = None
    parent: str | None = None
    usual: float | None = None


def standing(watched: Watched) -> str:
    """Where the run stands, in a word."""
    ended = watched.story.ended
    if ended is not None:
        return ended.status
    if watched.going_on:
        return Status.RUNNING.value
    if watched.run.status is Status.RUNNING:
        return INTERRUPTED if watched.heard else Status.RUNNING.value
    return watched.run.status.value


def bar(share: float, width: int) -> Text:
    """A line, heavy as far as it is done."""
    done = min(max(int(share * width), 0), width)
    return Text("━" * done, "green" if share >= 1 else "").append("─" * (width - done), "dim")


def rate_words(rows_per_s: float) -> str:
    """How fast rows come; nothing is measured before the first of them."""
    return f"{rows_per_s:,.1f} rows/s" if rows_per_s > 0 else "no rate yet"


def about_time(seconds: float) -> str:
    """In words, as exactly as such a guess is."""
    if seconds < 1:
        return "under a second"
    return f"about {round(seconds / 60)} min" if seconds >= 100 else f"about {seconds:.0f} s"


class ProgressTold:
    """To be printed by rich, in the width it is given. read_only : nobody can be asked to press a key that writes."""

    def __init__(self, watched: Watched, facts: Facts, *, read_only: bool = False) -> None:
        self._watched, self._facts, self._read_only = watched, facts, read_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._head()
        yield self._bar(options.max_width)
        yield from self._end()
        if self._watched.trouble:
            yield _wrapped(f"The events cannot be read: {self._watched.trouble}", "yellow")
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, text in (*self._speed(), *self._rejects(), *self._circumstances()):
            grid.add_row(Text(label, "dim"), text)
        yield grid

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _head(self) -> Text:
        run, word = self._watched.run, standing(self._watched)
        text = Text(word, _STYLES.get(word, "bold"))
        text.append_text(line(f"  {run.method}"))
        if run.model:
            text.append_text(line(f" on {run.model}"))
        return text.append(f", exposure {run.exposure.label}", "dim")

    def _bar(self, width: int) -> Text:
        run, story = self._watched.run, self._watched.story
        progress = story.progress if standing(self._watched) == "running" else None
        if progress is not None and progress.stage_share is not None:
            share = progress.stage_share
            numbers = f" {share:4.0%}  {progress.stage or 'learning'}"
        else:
            done = run.rows_done
            if standing(self._watched) == "running":  # those not committed yet, too
                done = max(done, int(story.rows_done))
            share = done / run.rows_wanted if run.rows_wanted else 1.0
            numbers = f" {min(share, 1):4.0%}  {done:,} / {run.rows_wanted:,} rows"
        words = line(numbers.replace("%", " %"))
        return bar(share, max(width - words.cell_len, 8)).append_text(words)

    def _end(self) -> Iterator[Text]:
        run, word = self._watched.run, standing(self._watched)
        if word == "running":
            return
        ended = self._watched.story.ended
        message = (ended.message if ended is not None else run.message) or ""
        took = self._watched.story.seconds or run.usage.seconds
        seconds = f" in {duration(took)}" if took else ""
        rows = ended.rows_done if ended is not None else run.rows_done
        kept = f"{rows:,} of {counted(run.rows_wanted, 'row')} are kept"
        again = "" if self._read_only else " r goes on from there."
        said = {
            "finished": f"Finished: {counted(rows, 'row')}{seconds}.",
            "short": f"Fell short: {_sentence(message)} Loosen rules or the schema, or choose another method.",
            "cancelled": f"Cancelled, {message}: {kept}.{again}",
            "failed": f"Failed: {_sentence(message)} {kept[0].upper()}{kept[1:]}.{again}",
            INTERRUPTED: f"Interrupted: the process that made it is gone. {kept[0].upper()}{kept[1:]}.{again}",
        }
        yield _wrapped(said.get(word, word), _STYLES.get(word, ""))
        if rows:
            judge = "" if self._read_only else "e evaluates them, "
            yield Text(f"Next: F6 shows the rows, {judge}F8 is the report.")
        if self._facts.members and word in {"finished", "short"}:
            yield _wrapped(f"The members of its rows are in run {self._facts.members}.")

    def _speed(self) -> Iterator[tuple[str, Text]]:
        story, run = self._watched.story, self._watched.run
        running, progress = standing(self._watched) == "running", story.progress
        if running and progress is not None:
            rate = Text(f"{rate_words(progress.rows_per_s)}  ")
            yield "rate", rate.append(sparks(list(story.rates), max(story.rates, default=0), _SPARKS), "cyan")
            yield "ETA", Text(self._left(progress))
            yield "stage", line(progress.stage or "starting")
            tokens = f"{progress.tokens_per_s:,.0f}" if progress.tokens_per_s > 0 else "–"
            yield "tokens/s", Text(tokens if run.model else "no model")
        elif not running and story.made and story.seconds:
            yield "rate", Text(f"{story.made / story.seconds:,.1f} rows/s")
        if not running and run.usage.decoded_tokens and run.usage.seconds:
            yield "tokens/s", Text(f"{run.usage.decoded_tokens / run.usage.seconds:,.0f}")
        yield "elapsed", Text(self._elapsed(running))
        if story.committed is not None or story.batch is not None:
            kept = story.committed.batch_no if story.committed is not None else 0
            at_work = f", {counted(story.batch.rows, 'row')} in work" if running and story.batch else ""
            yield "batches", Text(f"{kept:,} kept{at_work}")

    def _left(self, progress: Progress) -> str:
        """How long it will take; before that is known, how long it usually does."""
        eta = progress.eta_s if progress.stage_share is None else progress.stage_eta_s
        if eta is not None:
            return duration(eta)
        usual = self._facts.usual
        return "–" if usual is None else f"– (usually {about_time(usual)} in all)"

    def _elapsed(self, running: bool) -> str:
        story = self._watched.story
        if running and story.started is not None:
            return duration(max(time.time() - story.started.at, 0))
        return duration(story.seconds or self._watched.run.usage.seconds)

    def _rejects(self) -> Iterator[tuple[str, Text]]:
        story = self._watched.story
        if not story.refused:
            yield "refused", Text("no row")
            return
        share = story.refused / (story.refused + max(self._watched.run.rows_done, story.rows_done))
        yield "refused", Text(f"{counted(story.refused, 'row')}, {100 * share:.0f} % of those written")
        common = story.rejects.most_common(_REJECTS)
        for (reason, detail), count in common:
            yield "", line(f"{count:>7,}  {reason}" + (f" ({detail})" if detail else ""))
        rest = story.refused - sum(count for _, count in common)
        if rest:
            yield "", Text(f"{rest:>7,}  for other reasons")

    def _circumstances(self) -> Iterator[tuple[str, Text]]:
        run, facts, maker = self._watched.run, self._facts, self._watched.maker
        if facts.engine:
            yield "engine", line(facts.engine)
        if maker is not None:
            yield "process", Text(f"pid {maker}" if maker else "one that cannot be seen from here")
        yield "seed", Text(str(run.seed))
        yield "begun", Text(f"{run.started_at.astimezone():%Y-%m-%d %H:%M:%S}")
        if run.recipe_path:
            yield "recipe", line(run.recipe_path)
        if facts.parent:
            yield "parent", line(f"its rows belong to those of run {facts.parent}")
        if facts.members:
            yield "members", line(f"in run {facts.members}")


def _wrapped(words: str, style: str = "") -> Text:
    text = line(words, style)
    text.no_wrap = False
    text.end = "\n"
    return text


def _sentence(message: str) -> str:
    return message if message.endswith((".", "?", "!")) else f"{message}."
