"""Two runs that belong together: rows, and then their members (households and their persons)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.align.reach import rule_columns
from localsynth.core.contracts import Completing, Given, Method, Task
from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, NotFound, RecipeError, RunError
from localsynth.core.recipe import MembersSpec, ParentSpec, Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.core.widening import Wide
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.counting import Counting
from localsynth.store.given import put, read_all
from localsynth.store.grouprules import GroupChecker, wide_rules
from localsynth.store.linked import Follow, Link, check_rows, count_members
from localsynth.store.rules import RuleChecker
from localsynth.store.session import Store

from .choosing import build_method
from .permission import allow
from .sources import ensure
from .targets import CountedTargets, KeptTargets

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from localsynth.runs.members import Pass

__all__ = [
    "ENDED",
    "Nest",
    "check_completes",
    "check_members",
    "members_due",
    "members_method",
    "members_of",
    "members_recipe",
    "nest_of",
    "parent_of",
    "with_parent",
]

#: How a run of parents has ended when its rows are there to stay.
ENDED = frozenset({Status.FINISHED, Status.SHORT})


@dataclass(frozen=True)
class Nest:
    """Two datasets that belong together. wide : their columns side by side, with the rules of single rows.
    grouped : its schema with the rules over all members of a parent.
    """

    link: Link
    wide: Wide
    grouped: Schema


def nest_of(link: Link, tie: MembersSpec | ParentSpec) -> Nest:
    """Raises ``RuleError`` where a rule cannot be used, ``SchemaError`` where the two schemas clash."""
    above, below = link.parent, link.members
    return Nest(link, *wide_rules(above.name, above.schema, below.schema, link.size, tie.rules))


# --- before anything is made ------------------------------------------------------------------------------------------


def check_members(
    store: Store, recipe: Recipe, parent: Dataset, folder: Path, say: Callable[[str], None]
) -> None:
    """Bring the members' dataset in and raise whatever would stop their run, before the rows they belong to are made.

    recipe : with members. parent : its own dataset.
    """
    tie = recipe.members
    assert tie is not None
    dataset = ensure(store, tie.dataset, folder, say, Follow(parent.name, tie.key, tie.size))
    link = _link(store, parent, dataset, tie)
    nest_of(link, tie)
    later = members_recipe(recipe, "later")
    _allowed(later, link, build_method(later, None))


def _link(store: Store, parent: Dataset, members: Dataset, tie: MembersSpec | ParentSpec) -> Link:
    for dataset in (parent, members):
        if not dataset.train_rows:
            raise DatasetError(
                f"'{dataset.name}' has no rows, and how members belong to what they are of is learnt from rows of both",
                "name a source of its rows in the recipe",
            )
    link = Link(parent, members, tie.key, tie.size)
    check_rows(store, link)
    return link


def check_completes(method: Method) -> None:
    """Raise ``RecipeError`` where a method cannot make members."""
    if not isinstance(method, Completing):
        raise RecipeError(
            f"the method {method.name} makes rows of its own, and cannot make members of rows that are there",
            "choose llmsynthor for them ([members.method])",
        )
    method.check_complete()


def _allowed(recipe: Recipe, link: Link, method: Method) -> None:
    """The policy of both datasets, and the method's ability."""
    check_completes(method)
    for dataset in (link.members, link.parent):
        allow(recipe, dataset, method)


# --- the second run ---------------------------------------------------------------------------------------------------


def members_recipe(recipe: Recipe, parent_run: str) -> Recipe:
    """The recipe of the members' run, from that of the rows they belong to."""
    tie = recipe.members
    assert tie is not None
    return Recipe(
        title=f"{recipe.title}: {tie.dataset.name}" if recipe.title else "",
        seed=recipe.seed,
        dataset=tie.dataset,
        model=recipe.model,
        method=tie.method or recipe.method,
        parent=ParentSpec(run=parent_run, key=tie.key, size=tie.size, rules=tie.rules),
    )


def with_parent(store: Store, recipe: Recipe) -> tuple[Recipe, Run]:
    """A members' recipe with the full name of the run they belong to and the number of members, and that run.

    Raises ``NotFound`` where there is no such run, ``RunError`` where its rows are not all there.
    """
    tie = recipe.parent
    assert tie is not None
    parent = records.get(store, tie.run)
    if parent.status not in ENDED:
        raise RunError(
            f"run {parent.run_id} is not finished, and its members cannot be made yet",
            f"localsynth runs resume {parent.run_id}",
        )
    _, sizes = _rows(store, parent, tie)
    if not sizes.sum():
        raise RunError(f"no row of run {parent.run_id} has a member", "make the rows again")
    named = tie.model_copy(update={"run": parent.run_id})
    return recipe.model_copy(update={"rows": int(sizes.sum()), "parent": named}), parent


def _rows(store: Store, parent: Run, tie: ParentSpec) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    table = records.run_rows(store, parent.run_id)
    if tie.size not in table.column_names:
        raise RunError(f"the rows of run {parent.run_id} have no column '{tie.size}'", "name another run")
    return table, table.column(tie.size).to_numpy()


@contextmanager
def members_method(
    store: Store, run: Run, recipe: Recipe, dataset: Dataset, method: Method
) -> Iterator[Method]:
    """The method that makes the members, while their run is open. method : of its kind it is made.

    Raises ``RunError`` where real rows were imported anew since the run began.
    """
    from localsynth.runs.members import Members, Parents, Pass
    from localsynth.runs.widerows import Judge

    tie = recipe.parent
    assert tie is not None
    try:
        _, above = with_parent(store, recipe)
    except NotFound as error:
        raise RunError(f"the run that the rows of {run.run_id} belong to is gone: {error.message}") from error
    parent = replace(datasets.get(store, above.dataset), schema=Schema.model_validate_json(above.schema_json))
    if parent.imported_at > run.started_at:
        raise RunError(
            f"the rows of '{parent.name}' were imported anew after run {run.run_id} began",
            "its rows would be of two tables; start a new run",
        )
    nest = nest_of(_link(store, parent, dataset, tie), tie)
    _allowed(recipe, nest.link, method)
    table, sizes = _rows(store, above, tie)
    wide = nest.wide
    parents = Parents(
        table.select(list(wide.parent.values())).rename_columns(list(wide.parent)).combine_chunks(),
        table.column(tie.key).combine_chunks(),
        sizes,
    )
    kept = read_all(store, run.run_id)
    with ExitStack() as stack:
        rows = stack.enter_context(RuleChecker(wide.schema))
        groups = stack.enter_context(GroupChecker(nest.grouped, tuple(wide.parent)))
        judge = Judge(
            rows.violations,
            groups.groups,
            tuple(rule.label for rule in (*wide.schema.rules, *nest.grouped.rules)),
            frozenset(name for names in rule_columns(nest.grouped) for name in names),
        )

        def passing(part: str, name: str) -> Pass | None:
            later = part == "others"
            counting = stack.enter_context(
                count_members(store, nest.link, wide, "others" if later else "firsts")
            )
            schema = wide.schema if later else wide.firsts
            known = _known(wide, parents, later=later)
            if not counting.rows or not known.num_rows:
                return None
            names = wide.given if later else (*wide.parent, wide.member)
            task = Task(
                dataset=dataset.name,
                schema=schema,
                rows=known.num_rows,
                seed=run.seed,
                violations=lambda table: rows.violations(_padded(wide.schema, table)),
                targets=KeptTargets(
                    CountedTargets(
                        counting, given=frozenset(names), differences=wide.differences if later else ()
                    ),
                    kept,
                    partial(put, store, run.run_id, wide.counted if later else schema),
                    part=part,
                ),
                given=_given(wide, names, known) if later else Given(names, known),
            )
            return Pass(name, build_method(recipe, None), task)

        firsts, others = passing("firsts", "first members"), passing("others", "other members")
        if firsts is None or (others is None and sizes.max() > 1):
            raise RunError(
                f"rows of run {above.run_id} have members of a kind that no train row has",
                "import more rows, or narrow the range of the size",
            )
        whole = stack.enter_context(Counting.of(store, dataset))
        targets = KeptTargets(CountedTargets(whole), kept, partial(put, store, run.run_id, dataset.schema))
        yield Members(dataset.schema, tie.key, wide, parents, judge, firsts, others, targets)


def _known(wide: Wide, parents: Any, *, later: bool) -> pa.Table:
    """The parents' columns and the members' numbers, of all members that one pass makes."""
    import numpy as np
    import pyarrow as pa

    sizes = np.asarray(parents.sizes)
    counts = np.maximum(sizes - 1, 0) if later else np.minimum(sizes, 1)
    ends = np.cumsum(counts)
    number = (2 if later else 1) + np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
    table = parents.table.take(pa.array(np.repeat(np.arange(len(sizes)), counts)))
    return table.append_column(wide.member, pa.array(number, pa.int64()))


def _given(wide: Wide, names: tuple[str, ...], known: pa.Table) -> Given:
    return Given(names, known, {own: name for name, own in wide.first.items()}, wide.differences)


def _padded(schema: Schema, table: pa.Table) -> pa.Table:
    """The table with all the schema's columns; those it lacks are NULL."""
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    have = set(table.column_names)
    target = arrow_schema(schema)
    columns = [
        table.column(field.name) if field.name in have else pa.nulls(table.num_rows, field.type)
        for field in target
    ]
    return pa.Table.from_arrays(columns, schema=target)


# --- which runs belong together ---------------------------------------------------------------------------------------


def parent_of(run: Run) -> str | None:
    """The run whose rows a run's rows are members of."""
    parent = Recipe.model_validate_json(run.recipe_json).parent
    return None if parent is None else parent.run


def members_of(store: Store, run: Run) -> Run | None:
    """The latest run of members of a run's rows."""
    for other in records.list_all(store):
        if run.run_id in other.recipe_json and parent_of(other) == run.run_id:
            return other
    return None


def members_due(store: Store, run: Run) -> bool:
    """Whether members of a run's rows are still to be made, and can be: its rows are there to stay, and there are any."""
    if Recipe.model_validate_json(run.recipe_json).members is None or run.status not in ENDED:
        return False
    members = members_of(store, run)
    return run.rows_done > 0 if members is None else members.status not in ENDED
