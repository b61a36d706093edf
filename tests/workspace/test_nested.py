"""Households and their persons: two runs that belong together."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from localsynth import Workspace, resources
from localsynth.core.errors import (
    DatasetError,
    PolicyError,
    RecipeChanged,
    RecipeError,
    RuleError,
    RunError,
)
from localsynth.core.events import BatchCommitted, Event
from localsynth.core.recipe import ParentSpec, Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.runs.control import Control
from localsynth.store.given import read_all
from localsynth.store.households import draw
from localsynth.workspace.belonging import belonging
from localsynth.workspace.checking import check_recipe

PACKED = Path(str(resources.recipes()))
RECIPE = """
rows = 25
seed = 5
[dataset]
name = "homes"
source = "homes.csv"
schema = "homes.schema.toml"
policy = "statistics"
[model]
name = "uniform"
[method]
name = "llmsynthor"
plans = "none"
groups = "strongest"
pairs = 6
triples = 0
batch_rows = 15
[members]
key = "household_id"
size = "persons"
rules = [
  { name = "heads first", check = "(relation = 'head') = (member = 1)" },
  { name = "children are younger", check = "relation <> 'child' or first_age > age" },
  { name = "one spouse at most", check = "count_if(relation = 'spouse') <= 1" },
]
[members.method]
name = "llmsynthor"
plans = "none"
groups = "strongest"
pairs = 6
triples = 0
batch_rows = 40
[members.dataset]
name = "people"
source = "people.csv"
schema = "people.schema.toml"
policy = "statistics"
"""


_OWN_METHOD = RECIPE[RECIPE.index("[members.method]") : RECIPE.index("[members.dataset]")]


@pytest.fixture(scope="module")
def tables() -> tuple[pa.Table, pa.Table]:
    return draw(100, seed=11)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tables: tuple[pa.Table, pa.Table]) -> Path:
    """A folder with a recipe, what it reads, and a workspace where it was run."""
    folder = tmp_path_factory.mktemp("nested")
    for name, packed, table in zip(("homes", "people"), ("households", "persons"), tables, strict=True):
        pyarrow.csv.write_csv(table, folder / f"{name}.csv")
        (folder / f"{name}.schema.toml").write_text((PACKED / f"{packed}.schema.toml").read_text())
    (folder / "homes.toml").write_text(RECIPE)
    Workspace(folder / "ws").run(folder / "homes.toml")
    return folder


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "place"))


@pytest.fixture
def space(place: Path) -> Workspace:
    return Workspace(place / "ws")


@pytest.fixture
def recipe(place: Path) -> Path:
    return place / "homes.toml"


@pytest.fixture
def made(space: Workspace) -> Run:
    return space.runs("homes")[0]


def rewritten(recipe: Path, old: str, new: str) -> Path:
    text = recipe.read_text()
    assert old in text
    recipe.write_text(text.replace(old, new, 1))
    return recipe


def people_of(space: Workspace, made: Run) -> pd.DataFrame:
    members = space.members_of(made)
    assert members is not None
    return space.rows(members)


class Stopping:
    """Stops the run of a dataset after so many batches."""

    def __init__(self, dataset: str, batches: int) -> None:
        self.control, self.dataset, self.left = Control(), dataset, batches

    def __call__(self, event: Event) -> None:
        if isinstance(event, BatchCommitted) and f"-{self.dataset}-" in event.run_id and event.batch_no:
            self.left -= 1
            if not self.left:
                self.control.stop()


def test_every_row_has_exactly_its_members(space: Workspace, made: Run) -> None:
    members = space.members_of(made)
    assert members is not None
    assert (made.status, members.status) == (Status.FINISHED, Status.FINISHED)
    homes, people = space.rows(made), space.rows(members)
    assert len(people) == homes["persons"].sum() == members.rows_wanted
    assert people["household_id"].drop_duplicates().tolist() == homes["household_id"].tolist()
    assert people.groupby("household_id", sort=False).size().tolist() == homes["persons"].tolist()
    # All rules hold at both levels, and every cell is one the schema allows.
    assert space.verify(made).ok
    assert space.verify(members).ok
    number = people.groupby("household_id").cumcount()
    assert ((people["relation"] == "head") == (number == 0)).all()
    assert (people["relation"] == "spouse").groupby(people["household_id"]).sum().max() <= 1
    joined = "from homes_synth h join people_synth p using (household_id)"
    assert space.sql(f"select count(*) as n {joined}")["n"].tolist() == [len(people)]
    older = f"{joined} join people_synth f using (household_id) where f.relation = 'head' and p.relation = 'child'"
    assert space.sql(f"select count(*) as n {older} and p.age >= f.age")["n"].tolist() == [0]


def test_margins_of_members_are_met(space: Workspace, recipe: Path) -> None:
    made = space.run(rewritten(recipe, "batch_rows = 40\n", ""), rows=60)  # all at once
    members = space.members_of(made)
    assert members is not None
    targets = space.statistics(members)
    assert targets is not None
    assert targets.columns == ("relation", "sex", "age", "education", "employment")
    rows = len(space.rows(members))
    for name in ("sex", "employment", "relation"):
        margin, counts = targets.margin(name), Counter(space.rows(members)[name])
        off = [
            abs(counts[cell[0]] / rows - share)
            for cell, share in zip(margin.axis.labels, margin.shares, strict=True)
        ]
        assert sum(off) / 2 < 0.03
    kept = read_all(space.store, members.run_id)
    assert {(given.part, given.name) for given in kept} >= {
        ("", "margins"), ("firsts", "tables"), ("others", "tables"),
    }  # fmt: skip
    [others] = [given.statistics for given in kept if (given.part, given.name) == ("others", "tables")]
    own = {"relation", "sex", "age", "education", "employment", "age_less_first_age"}
    assert all(own & set(table.columns) for table in others.tables)
    across = space.sql("select distinct part from meta.tables order by part")["part"].tolist()
    assert across == ["", "firsts", "others"]


def test_the_two_runs_know_of_each_other(space: Workspace, made: Run) -> None:
    members = space.members_of(made)
    assert members is not None
    parent = space.parent_of(members)
    assert parent is not None
    assert parent.run_id == made.run_id
    assert space.parent_of(made) is None
    assert space.members_of(members) is None
    with pytest.raises(RunError, match="belong to those of run"):
        space.delete_run(made)
    space.delete_run(members)
    space.delete_run(made)


def test_the_same_recipe_gives_the_same_members(space: Workspace, made: Run, recipe: Path) -> None:
    assert people_of(space, space.run(recipe)).equals(people_of(space, made))
    assert not people_of(space, space.run(recipe, seed=6)).equals(people_of(space, made))


@pytest.mark.parametrize(("dataset", "batches"), [("homes", 1), ("people", 1)])
def test_what_was_stopped_goes_on_with_the_same_rows(
    space: Workspace, made: Run, recipe: Path, dataset: str, batches: int
) -> None:
    whole, stopping = made, Stopping(dataset, batches)
    made = space.run(recipe, on_event=stopping, control=stopping.control)
    members = space.members_of(made)
    if dataset == "homes":
        assert made.status is Status.CANCELLED
        assert members is None
    else:
        assert members is not None
        assert members.status is Status.CANCELLED
        assert 0 < members.rows_done < members.rows_wanted
    made = space.resume(made)
    assert made.status is Status.FINISHED
    assert people_of(space, made).equals(people_of(space, whole))
    assert space.resume(made).run_id == made.run_id


def _second_run_has(other: Path, moment: str) -> bool:
    """Whether the members' run of another process has come so far."""
    runs = other / "runs"
    logs = [path / "events.jsonl" for path in runs.glob("*-people-*")] if runs.is_dir() else []
    text = "".join(log.read_text() for log in logs if log.is_file())
    batches = text.count('"batch_committed"')
    return {"begun": bool(text), "one batch": batches >= 1, "two batches": batches >= 2}[moment]


@pytest.mark.parametrize(
    ("how", "moment"),
    [
        (signal.SIGKILL, "begun"),
        (signal.SIGKILL, "two batches"),
        (signal.SIGINT, "one batch"),
    ],
)
def test_a_second_run_that_is_cut_off_ends_with_the_same_rows(
    space: Workspace, made: Run, recipe: Path, how: signal.Signals, moment: str
) -> None:
    other = space.folder.parent / "killed"
    command = [sys.executable, "-m", "localsynth", "run", str(recipe), "--workspace", str(other)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while not _second_run_has(other, moment) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(process.pid, how)
        code = process.wait(120)
    second = Workspace(other)
    [above] = second.runs("homes")
    assert above.status is Status.FINISHED
    cut = second.runs("people")
    if how is signal.SIGKILL:
        assert code == -signal.SIGKILL
        assert [second.standing(run) for run in cut] in (["interrupted"], [])
    else:
        assert code == 130
        assert [run.status for run in cut] == [Status.CANCELLED]
    second.resume(above)
    members = second.members_of(above)
    assert members is not None
    assert members.status is Status.FINISHED
    assert second.rows(members).equals(people_of(space, made))


def test_members_for_rows_that_are_there(space: Workspace, made: Run, place: Path) -> None:
    """A recipe of its own may name the run that its rows belong to."""
    members = space.members_of(made)
    assert members is not None
    again = Recipe.model_validate_json(members.recipe_json)
    assert again.parent is not None
    path = place / "people.toml"
    path.write_text(again.model_copy(update={"seed": 8, "rows": 1}).to_toml())
    more = space.run(path)
    assert more.rows_done == members.rows_done
    assert not space.rows(more).equals(space.rows(members))
    assert space.rows(more)["household_id"].equals(space.rows(members)["household_id"])
    with pytest.raises(RecipeError, match="how many members there are is said by"):
        space.run(path, rows=3)


def test_a_changed_recipe_or_schema_is_refused(space: Workspace, recipe: Path) -> None:
    stopping = Stopping("people", 1)
    made = space.run(recipe, on_event=stopping, control=stopping.control)
    rewritten(recipe, "one spouse at most", "one spouse")
    with pytest.raises(RecipeChanged, match=r"homes\.toml has changed") as error:
        space.resume(made)
    assert "one spouse at most" in error.value.diff
    rewritten(recipe, "one spouse", "one spouse at most")
    schema = recipe.parent / "people.schema.toml"
    rewritten(schema, "range = [0, 100]", "range = [0, 101]")
    with pytest.raises(RecipeChanged, match="the schema of 'people' has changed"):
        space.resume(made)
    members = space.members_of(made)
    assert members is not None
    assert space.resume(members, as_recorded=True).status is Status.FINISHED


_ONLY_ROWS_TELL = {"have another number of members than 'rooms' says", "policy of dataset 'homes'"}


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ('name = "llmsynthor"', 'name = "independent"', RecipeError, "cannot make members of rows"),
        (
            _OWN_METHOD,
            '[members.method]\nname = "llmsynthor"\nmode = "faithful"\n',
            RecipeError,
            "the faithful mode makes",
        ),
        ('key = "household_id"', 'key = "household"', DatasetError, "did you mean 'household_id'"),
        (
            'size = "persons"',
            'size = "rooms"',
            DatasetError,
            "have another number of members than 'rooms' says",
        ),
        ("first_age > age", "first_agee > age", RuleError, "did you mean 'first_age'"),
        ("<= 1", "<= age", RuleError, "which member is meant"),
        ('name = "people"', 'name = "people"\nholdout = 0.1', RecipeError, "members are held out with"),
        ("statistics", "schema", PolicyError, "policy of dataset 'homes'"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is(
    recipe: Path, old: str, new: str, error: type[Exception], said: str
) -> None:
    rewritten(recipe, old, new)
    if "independent" in new:
        own = {"plans", "groups", "pairs", "triples", "batch_rows"}
        lines = recipe.read_text().replace(_OWN_METHOD, "").splitlines()
        recipe.write_text("\n".join(line for line in lines if line.split(" ")[0] not in own))
    empty = Workspace(recipe.parent / "empty").init()
    with pytest.raises(error, match=said):
        empty.run(recipe)
    if said not in _ONLY_ROWS_TELL:
        with pytest.raises(error, match=said):
            check_recipe(recipe)
    assert empty.runs() == []


def test_the_members_own_policy_counts_too(recipe: Path) -> None:
    text = recipe.read_text()
    head, _, tail = text.rpartition('policy = "statistics"')
    recipe.write_text(f'{head}policy = "schema"{tail}')
    with pytest.raises(PolicyError, match="policy of dataset 'people'"):
        Workspace(recipe.parent / "empty").run(recipe)


def test_rows_that_do_not_fit_together_are_refused(space: Workspace, recipe: Path, tables: Any) -> None:
    pyarrow.csv.write_csv(tables[1].slice(1), recipe.parent / "people.csv")
    with pytest.raises(DatasetError, match="has another number of members than 'persons' says"):
        Workspace(recipe.parent / "empty").run(recipe)
    space.import_file(
        recipe.parent / "homes.csv",
        name="homes",
        schema=space.schema("homes"),
        policy="statistics",
        seed=3,
        replace=True,
    )
    with pytest.raises(DatasetError, match="are held out and what they belong to is not"):
        space.run(recipe)


def test_members_of_a_run_that_is_not_finished(
    space: Workspace, made: Run, recipe: Path, place: Path
) -> None:
    members = space.members_of(made)
    assert members is not None
    tie = Recipe.model_validate_json(members.recipe_json)
    stopping = Stopping("homes", 1)
    half = space.run(recipe, on_event=stopping, control=stopping.control)
    assert tie.parent is not None
    unfinished = tie.model_copy(update={"parent": tie.parent.model_copy(update={"run": half.run_id})})
    (place / "people.toml").write_text(unfinished.to_toml())
    with pytest.raises(RunError, match="is not finished, and its members cannot be made yet"):
        space.run(place / "people.toml")


_RARE = '\n[[rules]]\nname = "rare"\ncheck = "{}"\n'
_FROM_SCHEMA = '[method]\nname = "text-to-tabular"\n'


def _short(recipe: Path, check: str) -> None:
    """Rows that are drawn by chance and keep a rule that few keep."""
    text = recipe.read_text()
    own = text[text.index("[method]") : text.index("[members]")]
    recipe.write_text(text.replace(own, _FROM_SCHEMA, 1))
    schema = recipe.parent / "homes.schema.toml"
    schema.write_text(schema.read_text() + _RARE.format(check))


def test_rows_that_fell_short_have_members_too(space: Workspace, recipe: Path) -> None:
    _short(recipe, "rooms = 7 and tenure = 'owned' and region = 'North'")
    empty = Workspace(recipe.parent / "empty").init()
    stopping = Stopping("people", 1)
    made = empty.run(recipe, on_event=stopping, control=stopping.control)
    assert made.status is Status.SHORT
    assert 0 < made.rows_done < 25
    members = empty.members_of(made)
    assert members is not None
    if members.status is Status.CANCELLED:  # it may have had one batch alone
        empty.resume(made)
    members = empty.members_of(made)
    assert members is not None
    assert members.status is Status.FINISHED
    assert members.rows_done == empty.rows(made)["persons"].sum()
    with pytest.raises(RunError, match="ended short"):
        empty.resume(made)


def test_no_rows_have_no_members(recipe: Path) -> None:
    _short(recipe, "rooms = 7 and income = 7 and tenure = 'owned'")
    empty = Workspace(recipe.parent / "empty").init()
    made = empty.run(recipe)
    assert (made.status, made.rows_done) == (Status.SHORT, 0)
    assert empty.members_of(made) is None
    assert empty.runs("people") == []


def test_members_are_judged_against_their_own_dataset(space: Workspace, made: Run) -> None:
    members = space.members_of(made)
    assert members is not None
    evaluation = space.evaluate(members, metrics=["validity", "targets", "columns", "members"])
    scores = {
        score.score.metric: score.score
        for score in evaluation.scores
        if score.subject == members.run_id and score.score.column_a is None and score.score.item is None
    }
    assert scores["rule_violations"].value == 0
    assert scores["invalid_rows"].value == 0
    for name in ("wrong_member_counts", "stray_members", "member_rule_violations", "group_rule_violations"):
        assert scores[name].value == 0
    assert scores["target_margins"].value is not None
    assert scores["target_margins"].value < 0.2  # 25 homes
    named = {score.score.column_a for score in evaluation.scores}
    assert "household_id" not in named
    assert "age" in named


def test_what_does_not_go_together_is_counted() -> None:
    above, below = (Schema.load(PACKED / f"{name}.schema.toml") for name in ("households", "persons"))
    tie = ParentSpec.model_validate(
        {
            "run": "x",
            "key": "household_id",
            "size": "persons",
            "rules": [
                "relation <> 'child' or first_age - age >= 15",
                "count_if(relation = 'spouse') <= 1",
            ],
        }
    )
    homes, people = draw(50, seed=2)
    found = belonging("households", above, below, tie, homes, people)
    assert (found.parents, found.members) == (50, people.num_rows)
    assert (found.wrong, found.strays, found.any_member, found.any_group) == (0, 0, 0, 0)
    rows = people.to_pylist()
    child = next(row for row in rows if row["relation"] == "child")
    child["age"] = 100
    couple = next(row["household_id"] for row in rows if row["relation"] == "spouse")
    rows.append({**child, "household_id": couple, "relation": "spouse"})
    rows.append({**child, "household_id": "nowhere"})
    found = belonging("households", above, below, tie, homes, pa.Table.from_pylist(rows))
    assert (found.wrong, found.strays, found.members) == (1, 1, len(rows))
    assert (list(found.of_members.values()), found.any_member) == ([1], 1)
    assert (list(found.of_groups.values()), found.any_group) == ([1], 1)
