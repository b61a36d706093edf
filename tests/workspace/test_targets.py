"""Target statistics on their way from the store, a file or a noisy curator to a method."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from localsynth import Workspace
from localsynth.align.privacy import NoiseAlone
from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.errors import ContextTooSmall, DatasetError, PolicyError, RunError
from localsynth.core.events import Notice
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Run, Status
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Budget, Margin, Statistics, Table
from localsynth.methods import registry
from localsynth.store import datasets
from localsynth.store import statistics as counted
from localsynth.store.budgets import spent_on
from localsynth.store.counting import Counting
from localsynth.store.given import Given
from localsynth.store.session import Store
from localsynth.tables import arrow_schema
from localsynth.workspace import targets
from localsynth.workspace.pairing import Choice, choose
from localsynth.workspace.targets import CountedTargets, FileTargets, KeptTargets, NoisyTargets

SCHEMA = Schema.model_validate(
    {
        "target": "ill",
        "columns": [
            {"name": "ward", "kind": "categorical", "categories": ["n", "s", "e"]},
            {"name": "sex", "kind": "categorical", "categories": ["f", "m"]},
            {"name": "ill", "kind": "categorical", "categories": ["no", "yes"]},
        ],
    }
)


def people(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    ward = rng.choice(["n", "s", "e"], n)
    return pd.DataFrame(
        {
            "ward": ward,
            "sex": np.where(ward == "n", rng.choice(["f", "m"], n, p=[0.9, 0.1]), rng.choice(["f", "m"], n)),
            "ill": rng.choice(["no", "yes"], n),
        }
    )


class AimingParams(MethodParams):
    """early : ask for targets where it is too early."""

    early: bool = False


class Aiming:
    """Draws each column from its target margin."""

    name: ClassVar[str] = "aiming"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.STATISTICS
    needs_model: ClassVar[bool] = False
    reads_targets: ClassVar[bool] = True
    summary: ClassVar[str] = "It aims."
    Params: ClassVar[type[MethodParams]] = AimingParams
    tasks: ClassVar[list[Task]] = []
    seen: ClassVar[list[Statistics]] = []

    def __init__(self, params: AimingParams) -> None:
        self.early = params.early

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        self.task = task
        Aiming.tasks.append(task)
        if self.early:
            assert task.targets is not None
            task.targets.margins(3)

    def batch_rows(self) -> int:
        return 10

    def learn(self, ask: Ask | None, seed: int) -> None:
        assert self.task.targets is not None
        self.task.targets.margins(4)
        self.found = self.task.targets.tables([["ward", "sex"]], pairs=1)
        Aiming.seen.append(self.found)

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        rng = np.random.default_rng(seed)
        columns = {
            margin.axis.column: rng.choice([cell[0] for cell in margin.axis.labels], n, p=margin.shares)
            for margin in self.found.margins
        }
        return Draft(pa.table(columns).cast(arrow_schema(self.task.schema)))

    def state(self) -> Mapping[str, Any]:
        return {"found": self.found.to_json()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.found = Statistics.from_json(state["found"])


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    point = EntryPoint("aiming", f"{__name__}:Aiming", registry.METHODS.group)
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: [point])
    monkeypatch.setattr(Aiming, "tasks", [])
    monkeypatch.setattr(Aiming, "seen", [])
    return Workspace(tmp_path / "ws")


def recipe(method: str = "aiming", **parts: Any) -> Recipe:
    data = {"rows": 40, "seed": 3, "dataset": {"name": "people"}, "method": {"name": method}}
    return Recipe.model_validate({**data, **parts})


# --- a run ------------------------------------------------------------------------------------------------------------


def test_a_method_that_aims_gets_targets_and_no_rows(space: Workspace) -> None:
    space.import_frame(people(), "people", target="ill", schema=SCHEMA, policy="statistics")
    run = space.run(recipe())
    assert run.status is Status.FINISHED
    (task,), (seen,) = Aiming.tasks, Aiming.seen
    assert task.train is None
    train = datasets.train_table(space.store, "people").to_pandas()
    assert seen.margin("ward").shares == pytest.approx(
        [(train["ward"] == word).mean() for word in ("n", "s", "e")]
    )
    assert {(frozenset(table.columns), table.why) for table in seen.tables} == {
        (frozenset({"ward", "ill"}), "target"),
        (frozenset({"sex", "ill"}), "target"),
        (frozenset({"ward", "sex"}), "model"),
    }
    assert space.statistics(run) == seen
    own = space.sql(
        f"SELECT cell, share FROM meta.margins WHERE run_id = '{run.run_id}' AND column_name = 'ward'"
    )
    assert dict(zip(own["cell"], own["share"], strict=True)) == pytest.approx(
        train["ward"].value_counts(normalize=True).to_dict()
    )
    joint = space.sql("SELECT sum(share) AS s FROM meta.tables GROUP BY table_no")
    assert joint["s"].tolist() == pytest.approx([1, 1, 1])


def test_a_run_without_targets_has_no_statistics(space: Workspace) -> None:
    space.import_frame(people(), "people")
    assert space.statistics(space.run(recipe("independent"))) is None


def test_asking_too_early_is_told(space: Workspace) -> None:
    space.import_frame(people(), "people")
    with pytest.raises(RunError, match="before it began") as caught:
        space.run(
            Recipe.model_validate({**recipe().model_dump(), "method": {"name": "aiming", "early": True}})
        )
    assert space.runs() == []
    assert "mistake in the method" in caught.value.hint


def test_what_was_given_is_given_again_when_a_run_goes_on(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it broke before anything was committed: the statistics are those drawn first."""
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    whole = space.run(recipe())
    learn = Aiming.learn

    def breaks(self: Aiming, ask: Ask | None, seed: int) -> None:
        learn(self, ask, seed)
        raise RunError("the light went out")

    monkeypatch.setattr(Aiming, "learn", breaks)
    with pytest.raises(RunError, match="the light"):
        space.run(recipe())
    monkeypatch.setattr(Aiming, "learn", learn)
    monkeypatch.setattr(CountedTargets, "margins", lambda *_: pytest.fail("counted again"))
    monkeypatch.setattr(CountedTargets, "tables", lambda *_: pytest.fail("counted again"))
    rest = space.resume()
    assert rest.run_id != whole.run_id
    assert Aiming.seen[0] == Aiming.seen[1] == Aiming.seen[2]
    assert space.rows_arrow(rest).equals(space.rows_arrow(whole))


def test_the_holdout_counts_in_nothing(space: Workspace, tmp_path: Path) -> None:
    plain = people()
    space.import_frame(plain, "people", schema=SCHEMA, seed=1)
    held = [
        row - 1
        for row in space.sql("SELECT row_id FROM meta.splits WHERE part = 'holdout'")["row_id"].tolist()
    ]
    other = plain.copy()
    other.loc[held, ["ward", "sex", "ill"]] = ["e", "m", "yes"]
    second = Workspace(tmp_path / "other")
    second.import_frame(other, "people", schema=SCHEMA, seed=1)
    space.run(recipe())
    second.run(recipe())
    assert Aiming.seen[0] == Aiming.seen[1]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_dataset_without_rows_has_no_statistics_to_take(space: Workspace) -> None:
    space.declare("people", SCHEMA, policy="statistics")
    with pytest.raises(DatasetError, match="no rows to take them from") as caught:
        space.run(recipe())
    assert "[dataset] statistics" in caught.value.hint
    assert space.runs() == []


def test_the_policy_counts_for_statistics_of_rows(space: Workspace) -> None:
    space.import_frame(people(), "people", policy="schema")
    with pytest.raises(PolicyError, match="allows no more than: schema"):
        space.run(recipe())


def test_a_budget_goes_with_methods_that_see_noisy_statistics_alone(space: Workspace) -> None:
    space.import_frame(people(), "people", schema=SCHEMA)
    for name in ("independent", "gaussian-copula", "bootstrap"):
        with pytest.raises(PolicyError, match="reads the real rows as they are"):
            space.run(recipe(name, privacy={"epsilon": 1.0}))
    assert space.runs() == []


@pytest.mark.parametrize("method", ["aiming", "text-to-tabular"])
def test_a_budget_needs_a_schema_that_a_person_gave(space: Workspace, method: str) -> None:
    space.import_frame(people(), "people")
    wanted = recipe(method, privacy={"epsilon": 1.0}, model={"name": "uniform"})
    with pytest.raises(PolicyError, match="was inferred from its rows") as caught:
        space.run(wanted)
    assert "localsynth schema export people" in caught.value.hint
    assert "localsynth schema set people" in caught.value.hint
    space.set_schema("people", space.schema("people"))  # put back as it was: nobody vouched for it
    with pytest.raises(PolicyError, match="was inferred from its rows"):
        space.run(wanted)
    space.set_schema("people", space.schema("people").model_copy(update={"inferred": False}))
    if method == "text-to-tabular":
        told: list[str] = []
        run = space.run(wanted, on_event=lambda e: told.append(e.text) if isinstance(e, Notice) else None)
        assert run.status is Status.FINISHED
        assert any("no privacy budget is spent" in text for text in told)


def test_a_schema_file_that_says_it_was_inferred_gives_no_right_to_a_budget(
    space: Workspace, tmp_path: Path
) -> None:
    """As `schema export` wrote it, named by a recipe: of a new dataset, and of one that is there."""
    file, described = tmp_path / "people.toml", tmp_path / "recipe.toml"
    rows = tmp_path / "people.csv"
    people().to_csv(rows, index=False)
    space.import_file(rows, name="first")
    file.write_text(space.schema("first").to_toml())
    wanted = recipe(
        "text-to-tabular",
        dataset={"name": "people", "source": "people.csv", "schema": "people.toml"},
        privacy={"epsilon": 1.0},
        model={"name": "uniform"},
    )
    described.write_text(wanted.to_toml())
    for _ in range(2):
        with pytest.raises(PolicyError, match="was inferred from its rows") as caught:
            space.run(described)
        assert "delete its line 'inferred = true'" in caught.value.hint
        assert not space.dataset("people").declared
    file.write_text(file.read_text().partition("\n")[2])
    assert space.run(described).status is Status.FINISHED
    assert space.dataset("people").declared


# --- noise ------------------------------------------------------------------------------------------------------------


def noisy(margins: Statistics) -> Statistics:
    return replace(margins, origin="noisy", budget=Budget(1.0, 1e-6))


def test_noise_is_drawn_once_in_the_life_of_a_run(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    drawn: list[str] = []

    def curator(dataset: Any, budget: Budget, count: Any) -> NoisyTargets:
        assert (budget.epsilon, budget.delta) == (1.0, 1e-6)
        assert dataset.declared

        def margins(bins: int) -> Statistics:
            drawn.append("margins")
            shares = count([Axis("ward", labels=(("n",), ("s",), ("e",)))]) / 200
            return noisy(
                Statistics(
                    tuple(
                        Margin(Axis(c.name, labels=tuple((v,) for v in c.categories)), part, 200.0)  # type: ignore[union-attr]
                        for c, part in zip(
                            SCHEMA.columns, (tuple(shares), (0.5, 0.5), (0.5, 0.5)), strict=True
                        )
                    )
                )
            )

        def tables(statistics: Statistics, groups: Sequence[Sequence[str]], pairs: int | None) -> Statistics:
            drawn.append("tables")
            return statistics

        return NoisyTargets(margins, tables)

    monkeypatch.setattr(targets, "_noisy", curator)
    learn = Aiming.learn

    def breaks(self: Aiming, ask: Ask | None, seed: int) -> None:
        learn(self, ask, seed)
        raise RunError("the light went out")

    monkeypatch.setattr(Aiming, "learn", breaks)
    wanted = recipe(privacy={"epsilon": 1.0})
    with pytest.raises(RunError, match="the light"):
        space.run(wanted)
    monkeypatch.setattr(Aiming, "learn", learn)
    run = space.resume()
    assert drawn == ["margins", "tables"]
    assert Aiming.seen[0] == Aiming.seen[1] == space.statistics(run)
    found = space.sql("SELECT name, origin, epsilon, delta FROM meta.statistics")
    assert found["epsilon"].tolist() == [1.0, 1.0]
    assert found["origin"].tolist() == ["noisy", "noisy"]
    assert Aiming.tasks[0].train is None


def spent(space: Workspace) -> tuple[float, int]:
    found = spent_on(space.store, "people")
    return found.epsilon, found.releases


def drawing(
    monkeypatch: pytest.MonkeyPatch, margins: Callable[[int], Statistics] | None = None
) -> list[tuple[float, int]]:
    """Noisy targets without the library; gives what the ledger held each time that counts were seen."""
    held: list[tuple[float, int]] = []

    def curator(dataset: Any, budget: Budget, count: Any) -> NoisyTargets:
        def look(bins: int) -> Statistics:
            count([Axis("ward", labels=(("n",), ("s",), ("e",)))])
            held.append(ledger())
            return uniform() if margins is None else margins(bins)

        return NoisyTargets(look, lambda statistics, groups, pairs: look(0))

    def ledger() -> tuple[float, int]:
        found = spent_on(current[0], "people")
        return found.epsilon, found.releases

    current: list[Store] = []
    booked = targets.BookedTargets.__init__

    def remember(self: Any, store: Store, *rest: Any) -> None:
        current[:] = [store]
        booked(self, store, *rest)

    monkeypatch.setattr(targets.BookedTargets, "__init__", remember)
    monkeypatch.setattr(targets, "_noisy", curator)
    return held


def uniform() -> Statistics:
    parts = [Axis(c.name, labels=tuple((v,) for v in c.categories)) for c in SCHEMA.columns]  # type: ignore[union-attr]
    return noisy(Statistics(tuple(Margin(a, (1 / a.size,) * a.size, 200.0) for a in parts)))


BOUNDED: dict[str, Any] = {"privacy": {"epsilon": 1.0}}


def test_a_draw_is_in_the_ledger_before_a_count_is_seen_and_outlives_the_run(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    held = drawing(monkeypatch)
    run = space.run(recipe(**BOUNDED))
    assert held == [(1.0, 1), (1.0, 1)]
    space.delete_run(run)
    assert space.runs() == []
    assert spent(space) == (1.0, 1)
    space.run(recipe(**BOUNDED))
    assert spent(space) == (2.0, 2)


def test_a_refusal_out_of_noise_is_kept_and_drawn_once(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    said = iter(["nothing but noise", "something else"])

    def refuse(bins: int) -> Statistics:
        raise NoiseAlone(next(said), "more rows")

    held = drawing(monkeypatch, refuse)
    with pytest.raises(NoiseAlone, match="nothing but noise"):
        space.run(recipe(**BOUNDED))
    (run,) = space.runs()
    assert run.status is Status.FAILED
    for _ in range(3):
        with pytest.raises(NoiseAlone, match="nothing but noise") as caught:
            space.resume(run)
        assert caught.value.hint == "more rows"
    assert held == [(1.0, 1)]
    assert spent(space) == (1.0, 1)


def test_a_run_refused_after_drawing_leaves_its_spending(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ContextTooSmall`` before the first row removes the run."""
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    drawing(monkeypatch)
    learn = Aiming.learn

    def too_long(self: Aiming, ask: Ask | None, seed: int) -> None:
        learn(self, ask, seed)
        raise ContextTooSmall("the prompt does not fit")

    monkeypatch.setattr(Aiming, "learn", too_long)
    for times in (1, 2):
        with pytest.raises(ContextTooSmall):
            space.run(recipe(**BOUNDED))
        assert space.runs() == []
        assert spent(space) == (float(times), times)


def test_a_draw_that_was_cut_off_is_booked_again(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    fates = iter([RunError("killed"), RunError("killed"), None])

    def fate(bins: int) -> Statistics:
        error = next(fates, None)
        if error is not None:
            raise error
        return uniform()

    held = drawing(monkeypatch, fate)
    with pytest.raises(RunError, match="killed"):
        space.run(recipe(**BOUNDED))
    with pytest.raises(RunError, match="killed"):
        space.resume()
    space.resume()
    assert held == [(1.0, 1), (2.0, 1), (3.0, 1), (3.0, 1)]
    assert spent(space) == (3.0, 1)


def test_a_second_run_is_told_what_was_spent_before(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    drawing(monkeypatch)
    told: list[list[str]] = []
    for _ in range(3):
        told.append([])
        space.run(
            recipe(**BOUNDED), on_event=lambda e: told[-1].append(e.text) if isinstance(e, Notice) else None
        )
    space.run(
        recipe("independent"), on_event=lambda e: told[0].append(e.text) if isinstance(e, Notice) else None
    )
    assert not any("spent" in text for text in told[0])
    assert any(
        "1 run on 'people' spent epsilon = 1 before; with this one it is 2 in all" in t for t in told[1]
    )
    assert any(
        "2 runs on 'people' spent epsilon = 2 before; with this one it is 3 in all" in t for t in told[2]
    )


def test_what_is_refused_before_a_count_costs_nothing(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")

    def missing(dataset: Any, budget: Budget, count: Any) -> NoisyTargets:
        def fails(*_: Any) -> Statistics:
            raise DatasetError("the package is missing")

        return NoisyTargets(fails, fails)

    monkeypatch.setattr(targets, "_noisy", missing)
    with pytest.raises(DatasetError):
        space.run(recipe(**BOUNDED))
    assert spent(space) == (0.0, 0)
    drawing(monkeypatch)
    assert space.resume().status is Status.FINISHED


def test_real_noise_that_leaves_nothing_is_told_once(space: Workspace) -> None:
    pytest.importorskip("opendp", reason="the extra dp is not installed")
    space.import_frame(people(), "people", schema=SCHEMA, target="ill")
    with pytest.raises(NoiseAlone, match="nothing but noise") as first:
        space.run(recipe(privacy={"epsilon": 1e-4}))
    with pytest.raises(NoiseAlone) as second:
        space.resume()
    assert str(first.value) == str(second.value)
    assert (first.value.hint, spent(space)) == (second.value.hint, (1e-4, 1))
    draws = space.sql("SELECT count(*) AS n FROM meta.budgets")["n"].tolist()
    assert draws == [1]


def test_another_question_under_a_budget_has_the_same_answer() -> None:
    kept: list[Given] = []
    source = NoisyTargets(
        lambda bins: Statistics((Margin(Axis("a"), (1.0,), float(bins)),), origin="noisy"),
        lambda margins, groups, pairs: replace(margins, notes=(str(groups),)),
    )
    once = KeptTargets(source, [], kept.append, once=True)
    assert once.tables([["a", "b"]]).notes == ("[['a', 'b']]",)
    assert once.margins(9) == once.margins(3)
    assert once.tables([["c", "d"]], pairs=4).notes == ("[['a', 'b']]",)
    assert [given.name for given in kept] == ["margins", "tables"]
    again = KeptTargets(source, kept, lambda _: pytest.fail("kept again"), once=True)
    assert again.tables([]).notes == ("[['a', 'b']]",)


# --- published statistics ---------------------------------------------------------------------------------------------

WARD = Axis("ward", labels=(("n",), ("s",), ("e",)))
SEX = Axis("sex", labels=(("f",), ("m",)))
ILL = Axis("ill", labels=(("no",), ("yes",)))
SHARES = np.arange(1, 13) / 78
PUBLISHED = Statistics(
    (
        Margin(WARD, (0.2, 0.3, 0.5), 1000.0),
        Margin(SEX, (0.4, 0.6), 500.0),
        Margin(ILL, (0.9, 0.1)),
    ),
    (Table((WARD, SEX, ILL), tuple(SHARES.tolist()), 700.0),),
    origin="file",
    source="a report",
    notes=("rounded",),
)


def test_a_group_of_published_columns_is_a_larger_table_summed() -> None:
    source = FileTargets(PUBLISHED)
    margins = source.margins(6)
    assert margins == replace(PUBLISHED, tables=())
    found = source.tables(margins, [["ill", "ward"], ["ward", "ill"], ["sex", "ward", "ill"]], None)
    assert [table.columns for table in found.tables] == [("ward", "sex", "ill"), ("ward", "ill")]
    assert found.tables[1].shares == pytest.approx(SHARES.reshape(3, 2, 2).sum(1).ravel())
    assert (found.tables[1].total, found.tables[1].why) == (700.0, "model")
    assert found.notes == ("rounded",)


def test_a_group_that_nobody_published_is_left_out_with_a_note() -> None:
    pair = replace(PUBLISHED, tables=(Table((WARD, SEX), (1 / 6,) * 6),))
    found = FileTargets(pair).tables(pair, [["ward", "ill"]], 20)
    assert found.tables == pair.tables
    assert found.notes[-1] == "no joint table of ward, ill is published"
    two = FileTargets(pair).tables(pair, [["ward", "ill"], ["sex", "ill"], ["ill", "ward"]], 20)
    assert two.notes == (*pair.notes, "no joint tables of ward, ill; of sex, ill are published")


def published_run(space: Workspace, monkeypatch: pytest.MonkeyPatch, **dataset: Any) -> Run:
    asked: list[str] = []

    def load(run: Run, file: str, schema: Schema) -> Statistics:
        asked.append(file)
        return PUBLISHED

    monkeypatch.setattr(targets, "_published", load)
    run = space.run(recipe(dataset={"name": "people", "statistics": "report.toml", **dataset}))
    assert asked == ["report.toml"]
    return run


def test_published_statistics_need_no_rows(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "people.toml").write_text(SCHEMA.to_toml())
    monkeypatch.chdir(tmp_path)
    run = published_run(space, monkeypatch, schema="people.toml")
    assert run.status is Status.FINISHED
    assert space.dataset("people").policy is Exposure.STATISTICS
    assert Aiming.tasks[0].train is None
    aimed = space.statistics(run)
    assert aimed is not None
    assert aimed.margins == PUBLISHED.margins
    assert [table.columns for table in aimed.tables] == [("ward", "sex", "ill"), ("ward", "sex")]
    names = space.sql("SELECT name FROM meta.statistics ORDER BY position")["name"].tolist()
    assert names == ["given", "margins", "tables"]
    monkeypatch.setattr(targets, "_published", lambda *_: pytest.fail("the file is not read again"))
    source = KeptTargets(FileTargets(PUBLISHED), [], lambda _: None, whole=PUBLISHED)
    assert source.margins(2).margins == PUBLISHED.margins


def test_published_statistics_are_public_whatever_the_policy_of_the_rows(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.import_frame(people(), "people", policy="schema", schema=SCHEMA)
    published_run(space, monkeypatch)
    assert Aiming.seen[0].origin == "file"
    with pytest.raises(PolicyError):
        space.run(recipe("independent", dataset={"name": "people", "statistics": "report.toml"}))


def test_a_run_on_published_statistics_goes_on_without_the_file(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.declare("people", SCHEMA)
    monkeypatch.setattr(targets, "_published", lambda *_: PUBLISHED)
    wanted = recipe(dataset={"name": "people", "statistics": "report.toml"})
    whole = space.run(wanted)
    learn = Aiming.learn

    def breaks(self: Aiming, ask: Ask | None, seed: int) -> None:
        learn(self, ask, seed)
        raise RunError("the light went out")

    monkeypatch.setattr(Aiming, "learn", breaks)
    with pytest.raises(RunError, match="the light"):
        space.run(wanted)
    monkeypatch.setattr(Aiming, "learn", learn)
    monkeypatch.setattr(targets, "_published", lambda *_: pytest.fail("the file is not read again"))
    assert space.rows_arrow(space.resume()).equals(space.rows_arrow(whole))


def test_a_method_that_reads_no_published_statistics_says_so(space: Workspace) -> None:
    space.import_frame(people(), "people")
    told: list[str] = []
    space.run(
        recipe("independent", dataset={"name": "people", "statistics": "report.toml"}),
        on_event=lambda event: told.append(event.text) if isinstance(event, Notice) else None,
    )
    assert any("reads no published statistics" in text for text in told)


# --- which tables -----------------------------------------------------------------------------------------------------


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    rng = np.random.default_rng(5)
    n = 600
    base = rng.normal(size=n)
    table = pa.table(
        {
            "t": np.where(base > 0, "a", "b"),
            **{f"x{i}": (base * (i < 4) + rng.normal(size=n)).round(2) for i in range(8)},
            "zip": [f"z{i % 40}" for i in range(n)],
            "town": [f"t{i % 40 // 4}" for i in range(n)],
        }
    )
    store = Store.create(tmp_path / "counts")
    made = datasets.import_table(store, table, "t", holdout=0, target="t")
    schema = made.schema.model_dump()
    schema["dependencies"] = [{"determinant": ["zip"], "dependent": "town"}]
    changed = datasets.set_schema(store, "t", Schema.model_validate(schema))
    return Counting.of(store, changed)


def test_tables_come_from_target_dependencies_groups_and_strength(counting: Counting) -> None:
    source = CountedTargets(counting)
    margins = source.margins(4)
    found = source.tables(margins, [["x5", "x6", "x7"], ["x0", "x0"]], 3)
    why: dict[str, list[tuple[str, ...]]] = {}
    for table in found.tables:
        why.setdefault(table.why, []).append(table.columns)
    assert sorted(len(columns) for columns in why["target"]) == [2] * 10
    assert all(columns[1] == "t" for columns in why["target"])
    assert why["dependency"] == [("zip", "town")]
    assert why["model"] == [("x5", "x6", "x7")]
    assert len(why["strongest"]) == 3
    assert all(set(columns) <= {"x0", "x1", "x2", "x3"} for columns in why["strongest"])
    dependency = next(table for table in found.tables if table.why == "dependency")
    cells = np.array(dependency.shares).reshape(dependency.shape)
    assert ((cells > 0).sum(1) == 1).all()


def test_as_many_pairs_as_the_rows_support(counting: Counting) -> None:
    margins = counted.margins(counting, 4)
    names = [margin.axis.column for margin in margins.margins]
    strengths = {(a, b): 1.0 / (1 + a + b) for a in range(len(names)) for b in range(a + 1, len(names))}
    schema = counting.schema
    for load, most, wanted in ((0.0, 200, 5), (1e9, 200, 44), (1e9, 7, 7)):
        chosen = choose(schema, margins, 600, strengths, [], None, Choice(least=5, load=load, most=most))
        assert sum(why == "strongest" for _, why in chosen.tables) == wanted
    some = choose(schema, margins, 600, strengths, [], None, Choice(least=5, load=0.5))
    cells = [np.prod([axis.size for axis in axes]) for axes, why in some.tables if why == "strongest"]
    assert len(cells) > 5
    assert sum(cells) <= 300
    none = choose(schema, margins, 600, dict.fromkeys(strengths, -0.1), [], None, Choice())
    assert not [why for _, why in none.tables if why == "strongest"]


def test_a_group_beyond_the_rows_is_left_out_with_a_note(counting: Counting) -> None:
    source = CountedTargets(counting)
    found = source.tables(source.margins(6), [[f"x{i}" for i in range(8)], ["x0", "stranger"]], 0)
    assert not [table for table in found.tables if table.why == "model"]
    assert any("no joint table of x0, x1" in note and "too few" in note for note in found.notes)
    assert any("stranger cannot be part" in note for note in found.notes)


def test_questions_are_kept_apart(counting: Counting) -> None:
    kept: list[Given] = []
    source = KeptTargets(CountedTargets(counting), [], kept.append)
    four, two = source.margins(4), source.margins(2)
    assert four.margin("x0").axis.present == 4
    assert two.margin("x0").axis.present == 2
    assert source.margins(4) is four
    assert source.tables([], 0).margins == two.margins  # of the bins asked for last
    assert [json.loads(given.question) for given in kept] == [
        {"bins": 4},
        {"bins": 2},
        {"bins": 2, "groups": [], "pairs": 0},
    ]
    fresh = KeptTargets(CountedTargets(counting), [], kept.append)
    assert fresh.tables([], 0).margin("x0").axis.present == 6


def test_a_file_of_published_statistics_is_read_beside_the_recipe(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "people.toml").write_text(SCHEMA.to_toml())
    (folder / "report.toml").write_text(
        'source = "a report"\n'
        '[[margins]]\ncolumn = "ward"\ncounts = { n = 20, s = 30, e = 50 }\n'
        '[[margins]]\ncolumn = "sex"\ncounts = { f = 40, m = 60 }\n'
        '[[margins]]\ncolumn = "ill"\ncounts = { no = 90, yes = 10 }\n'
    )
    (folder / "run.toml").write_text(
        'rows = 30\n[dataset]\nname = "people"\nschema = "people.toml"\nstatistics = "report.toml"\n'
        '[method]\nname = "aiming"\n'
    )
    run = space.run(folder / "run.toml")
    aimed = space.statistics(run)
    assert aimed is not None
    assert (aimed.origin, aimed.margin("ward").shares) == ("file", pytest.approx((0.2, 0.3, 0.5)))
    assert any("ward, sex is published" in note for note in aimed.notes)


def test_noise_of_a_whole_run_stays_within_its_budget(space: Workspace) -> None:
    pytest.importorskip("opendp", exc_type=ImportError)
    space.import_frame(people(3000), "people", schema=SCHEMA, target="ill")
    run = space.run(recipe(privacy={"epsilon": 1.0}))
    aimed = space.statistics(run)
    assert aimed is not None
    assert aimed.origin == "noisy"
    assert aimed.budget is not None
    assert (aimed.budget.epsilon, aimed.budget.delta) == (1.0, 1e-6)
    assert 0 < aimed.budget.rho < 0.05
    assert len(aimed.tables) >= 3
