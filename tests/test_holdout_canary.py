"""Nothing but the scores of an evaluation may depend on the rows held out.

Unmistakable values are planted in held-out rows; then everything is done that makes rows, and every prompt, statistic,
category list, stored table, file, event and word said is searched for them. The same is done without them: what is made
must be the same to the last cell.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar, Literal

import duckdb
import pytest

import localsynth
from localsynth.cli.main import run as run_command
from localsynth.core.contracts import (
    Ask,
    Draft,
    EngineInfo,
    Message,
    MethodParams,
    SampleRequest,
    Stage,
    Task,
)
from localsynth.core.grammar import FreeText
from localsynth.core.run import Exposure, Reject
from localsynth.methods import registry
from localsynth.store import datasets
from localsynth.store.session import Store
from localsynth.tables import arrow_schema
from tests.canary_kit import (
    ALLOWED,
    CANARIES,
    MADE,
    NAME,
    ROWS,
    Done,
    as_text,
    do,
    held_out,
    leaks,
    places,
    planted,
    raw_copy,
    rows,
    seen_in,
    tables,
)

#: Every registered method, the ones with a model on the engine that has none, and other ways to run them.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in registry.names()),
    ("text-to-tabular", {"mode": "faithful"}),
    ("gaussian-copula", {"by_target": False}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.fixture(scope="module")
def held(folder: Path) -> list[int]:
    return held_out(folder)


@pytest.fixture(scope="module")
def done(folder: Path, held: list[int]) -> Done:
    """Everything done with canaries in the holdout."""
    return do(folder / "planted", planted(held), VARIANTS)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Done:
    """The same without canaries."""
    return do(folder / "plain", rows(), VARIANTS)


def test_the_search_knows_what_it_looks_for(done: Done, tmp_path: Path) -> None:
    """The real table holds every canary, as text and in the bytes of the file; without that the rest proves nothing."""
    assert done.space.dataset(NAME).holdout_rows == ROWS // 3
    kinds = [column.kind for column in done.space.schema(NAME).columns]
    assert kinds == ["integer", "float", "categorical", "date", "datetime", "text", "categorical"]
    assert seen_in(as_text(done.space.sql_arrow(f"select * from real.{NAME}"))) == set(CANARIES)
    assert seen_in(raw_copy(done.space, tmp_path / "all.duckdb", tables(done.space))) == set(CANARIES)
    assert not seen_in(as_text(datasets.train_table(done.space.store, NAME)))


def test_nothing_made_or_stored_holds_a_canary(done: Done) -> None:
    assert leaks(done) == {}
    searched = dict(places(done))
    for table in (
        "datasets",
        "columns",
        "calls",
        "checkpoints",
        "events",
        "statistics",
        "metrics",
        "rejects",
        "stages",
    ):
        assert f"meta.{table}" in searched
    assert all(
        searched[place]
        for place in ("meta.calls", "meta.checkpoints", "meta.events", "meta.stages", f"synth.{NAME}")
    )
    assert {"events.jsonl", "schema"} <= set(searched)


def test_no_byte_of_the_other_tables_holds_a_canary(done: Done, tmp_path: Path) -> None:
    others = [name for name in tables(done.space) if name not in ALLOWED]
    assert not seen_in(raw_copy(done.space, tmp_path / "others.duckdb", others))


def test_what_is_made_does_not_depend_on_the_holdout(done: Done, plain: Done) -> None:
    assert done.space.schema(NAME) == plain.space.schema(NAME)
    assert set(done.runs) == set(plain.runs)
    for key, run in done.runs.items():
        other = plain.runs[key]
        assert run.rows_done == other.rows_done > 0
        assert done.space.rows_arrow(run).equals(plain.space.rows_arrow(other)), key
        for column, table in (
            ("prompt", "calls"),
            ("(round, candidate, author, move, accepted, score, low, high, novelty, theta, gaps)", "rounds"),
            ("state_json", "checkpoints"),
            ("text", "rejects"),
            ("cells", "stages"),
        ):
            found = [
                as_text(space.sql_arrow(f"select {column} from meta.{table} where run_id = '{run_id}'"))
                for space, run_id in ((done.space, run.run_id), (plain.space, other.run_id))
            ]
            assert found[0] == found[1], (key, table)


def test_commands_say_nothing_of_it(
    done: Done, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(done.space.folder))
    for command in (
        ["schema", "export", NAME],
        ["schema", "show", NAME],
        ["schema", "show"],
        ["runs", "list"],
        ["runs", "show", "last"],
        ["sql", f"select * from {NAME}_synth"],
    ):
        assert run_command(command) == 0
        said = capsys.readouterr()
        assert said.out
        assert not seen_in(said.out + said.err), command


def test_scores_and_report_show_no_value_of_it(
    done: Done, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation reads the holdout, to compute numbers. Nothing else of it is kept or shown."""
    run = done.runs["gaussian-copula {}"]
    evaluation = done.space.evaluate(run, threads=2)
    done.files.append(done.space.report(evaluation, folder / "report.html"))
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(done.space.folder))
    for command in (["report", run.run_id], ["report", run.run_id, "--json"]):
        assert run_command(command) == 0
        said = capsys.readouterr()
        done.said[" ".join(command)] = said.out + said.err
    assert dict(places(done))["meta.metrics"]
    assert leaks(done) == {}


def test_bins_and_categories_that_are_shown_are_those_of_the_train_rows(done: Done, plain: Done) -> None:
    shown = []
    for made in (done, plain):
        run = made.runs["gaussian-copula {}"]
        scores = made.space.evaluate(run, metrics=("histograms", "columns", "validity"), threads=2).scores
        own = [
            (judged.subject == "REAL", judged.score.metric, judged.score.column_a, judged.score.item)
            for judged in scores
        ]
        shown.append(own)
        assert {item for _, _, column, item in own if column == "ward" and item} >= {"east", "north", "south"}
    assert shown[0] == shown[1]


# --- the search can fail ----------------------------------------------------------------------------------------------


class LeakyParams(MethodParams):
    """by : the way the holdout gets out."""

    by: Literal["row", "reject", "state", "prompt", "notice", "file", "stage"] = "row"


class Leaky:
    """A method that has got hold of the holdout, which no method can, and tells."""

    name: ClassVar[str] = "leaky"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = "It leaks."
    Params: ClassVar[type[MethodParams]] = LeakyParams
    store: ClassVar[Store]
    tasks: ClassVar[list[Task]] = []

    def __init__(self, params: LeakyParams) -> None:
        self.by = params.by

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        Leaky.tasks.append(task)
        self.schema = task.schema
        self.held = datasets.holdout_table(Leaky.store, NAME)

    def batch_rows(self) -> int:
        return MADE

    def learn(self, ask: Ask | None, seed: int) -> None:
        assert ask is not None
        text = as_text(self.held)
        if self.by == "prompt":
            ask.sample("leak", [SampleRequest((Message("user", text),), FreeText(1, 2))])
        elif self.by == "notice":
            ask.notice(text)
        elif self.by == "file":
            (Leaky.store.log_folder / "debug.log").write_text(text)

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        made = self.held if self.by == "row" else datasets.train_table(Leaky.store, NAME).slice(0, n)
        rejects = (Reject("odd", "", as_text(self.held)),) if self.by == "reject" else ()
        stages = (Stage("drawn", self.held.slice(0, n)),) if self.by == "stage" else ()
        return Draft(made.slice(0, n).cast(arrow_schema(self.schema)), rejects, stages)

    def state(self) -> Mapping[str, Any]:
        return {"held": as_text(self.held)} if self.by == "state" else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""


@pytest.fixture
def leaky(tmp_path: Path, held: list[int], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run ``leaky``, or another method of this module, in a workspace of its own."""
    strangers = {"leaky": "Leaky", "curious": "Curious"}
    points = [
        EntryPoint(name, f"{__name__}:{kind}", registry.METHODS.group) for name, kind in strangers.items()
    ]
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: points)
    monkeypatch.setattr(Leaky, "tasks", [])

    def leak(by: str, method: str = "leaky") -> Done:
        made = do(tmp_path / "leaky", planted(held), [])
        monkeypatch.setattr(Leaky, "store", made.space.store, raising=False)
        made.make(method, {"by": by})
        return made

    return leak


@pytest.mark.parametrize(
    ("by", "where"),
    [
        ("row", f"synth.{NAME}"),
        ("reject", "meta.rejects"),
        ("state", "meta.checkpoints"),
        ("prompt", "meta.calls"),
        ("notice", "events.jsonl"),
        ("file", "debug.log"),
        ("stage", "meta.stages"),
    ],
)
def test_a_method_that_leaks_is_caught(
    leaky: Callable[..., Done], by: str, where: str, tmp_path: Path
) -> None:
    made = leaky(by)
    found = leaks(made)
    assert found.pop(where) == set(CANARIES)
    if by == "row":
        exported = {path.name for path in made.files}
        assert exported <= set(found)
        others = [name for name in tables(made.space) if name not in ALLOWED]
        assert seen_in(raw_copy(made.space, tmp_path / "raw.duckdb", others)) == set(CANARIES)


def test_a_schema_that_looks_at_the_holdout_is_caught(
    tmp_path: Path, held: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "_TRAIN", "SELECT * FROM staged")
    found = leaks(do(tmp_path / "open", planted(held), []))
    for place in ("meta.datasets", "meta.columns", "schema"):
        assert {"age", "lab", "ward", "admitted", "seen"} <= found[place]


# --- no road to it ----------------------------------------------------------------------------------------------------


def within(thing: Any, depth: int = 6) -> Iterator[Any]:
    """An object and what it holds: attributes, members, what functions were bound to."""
    yield thing
    if depth == 0 or isinstance(thing, str | bytes | int | float | type):
        return
    inner: list[Any] = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    if isinstance(thing, Mapping):
        inner += thing.values()
    elif isinstance(thing, list | tuple | set):
        inner += thing
    elif isinstance(thing, partial):
        inner += [*thing.args, *thing.keywords.values()]
    inner += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    if getattr(thing, "__self__", None) is not None:
        inner.append(thing.__self__)
    for part in inner:
        yield from within(part, depth - 1)


class Curious(Leaky):
    """Looks through its task while the run is open; ``tasks`` holds it, ``found`` what lies in it."""

    name = "curious"
    exposure = Exposure.ROWS
    found: ClassVar[list[str]] = []

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        super().prepare(task, info)
        Curious.found = [type(thing).__name__ for thing in within(task)]
        for con in [thing for thing in within(task) if isinstance(thing, duckdb.DuckDBPyConnection)]:
            attached = con.execute("select path from duckdb_databases()").fetchall()
            assert {path for (path,) in attached} == {None}, (
                "rules are checked in memory, away from the workspace"
            )
            with pytest.raises(duckdb.PermissionException):
                con.execute(f"attach '{Leaky.store.path}' as workspace")


def test_a_task_gives_no_road_to_the_holdout(leaky: Callable[..., Done]) -> None:
    """Not by a field, not by an argument, not through the connection that checks rules, not through what ``train`` holds."""
    made = leaky("row", "curious")
    (task,) = Leaky.tasks
    assert [part.name for part in dataclasses.fields(task)] == [
        "dataset", "schema", "rows", "seed", "violations", "train", "targets", "given",
        "explore", "model", "folder", "adapters", "condition",
    ]  # fmt: skip
    assert task.given is None  # rows made before, of a run whose rows are members of them
    assert task.train is not None
    real = made.space.sql_arrow(
        f"select r.* exclude row_id from real.{NAME} r join meta.splits s using (row_id)"
        f" where s.dataset = '{NAME}' and s.part = 'train' order by row_id"
    )
    assert task.train().to_pylist() == real.to_pylist()
    for other in ("holdout", NAME):
        with pytest.raises(TypeError):
            task.train(other)  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.train = None  # type: ignore[misc]
    assert {"DuckDBPyConnection", "RunAdapters"} <= set(Curious.found)  # the walk got as far as that
    assert not {"DuckDBPyRelation", "Dataset", "Store", "Workspace"} & set(Curious.found)


def test_a_method_that_may_see_no_rows_is_given_none(leaky: Callable[..., Done]) -> None:
    leaky("row")
    (task,) = Leaky.tasks
    assert task.train is None
    assert task.targets is None


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_evaluations_read_the_holdout() -> None:
    """Methods and what they use import nothing of the store; of the rest only the judging of runs asks for held-out rows."""
    package = Path(localsynth.__file__).parent
    asking = set()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if "holdout_table" in path.read_text():
            asking.add(name)
        if name.split("/")[0] in {"methods", "align", "engine"}:
            assert not [found for found in imports(path) if found.startswith("localsynth.store")], name
    assert asking == {"store/datasets.py", "workspace/evaluate.py"}
