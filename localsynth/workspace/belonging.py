"""How members go together with what they belong to, counted again from the stored rows of both runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from localsynth.core.judging import Belonging
from localsynth.core.recipe import ParentSpec, Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.widening import Wide
from localsynth.store import runs as records
from localsynth.store.grouprules import GroupChecker, wide_rules
from localsynth.store.rules import RuleChecker
from localsynth.store.session import Store

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["belonging", "belonging_of"]


def belonging_of(store: Store, runs: Iterable[Run]) -> dict[str, Belonging]:
    """Of each run that made members, by run id."""
    found = {}
    for run in runs:
        tie = Recipe.model_validate_json(run.recipe_json).parent
        if tie is not None:
            parent = records.get(store, tie.run)
            above, below = (Schema.model_validate_json(one.schema_json) for one in (parent, run))
            tables = records.run_rows(store, parent.run_id), records.run_rows(store, run.run_id)
            found[run.run_id] = belonging(parent.dataset, above, below, tie, *tables)
    return found


def belonging(
    name: str, above: Schema, below: Schema, tie: ParentSpec, parents: pa.Table, members: pa.Table
) -> Belonging:
    """Of two tables, in the order of the members. name : of the parents' dataset."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from localsynth.runs.widerows import WideRows

    at = pc.index_in(members.column(tie.key), pc.unique(parents.column(tie.key)))
    known = np.asarray(pc.is_valid(at).to_numpy(), np.bool_)
    place = pc.fill_null(at, 0).to_numpy()[known]
    order = np.argsort(place, kind="stable")
    sizes = np.bincount(place, minlength=parents.num_rows)
    said = parents.column(tie.size).to_numpy()
    wide, grouped = wide_rules(name, above, below, tie.size, tie.rules)
    table = members.take(pa.array(np.flatnonzero(known)[order]))
    rows = WideRows(wide, _wide_parents(wide, parents), sizes, table.select(list(wide.own)))
    across = slice(len(below.rules), None)  # the members' own rules are judged with them
    with RuleChecker(wide.schema) as checker, GroupChecker(grouped, tuple(wide.parent)) as groups:
        whole = rows.whole()
        of_members = checker.violations(whole)[:, across]
        _, dense = np.unique(rows.group, return_inverse=True)
        of_groups = groups.groups(whole, dense)
    labels = [rule.label for rule in wide.schema.rules[across]]
    return Belonging(
        parents=parents.num_rows,
        members=members.num_rows,
        wrong=int((sizes != said).sum()),
        strays=int((~known).sum()),
        of_members=dict(zip(labels, of_members.sum(axis=0).tolist(), strict=True)),
        any_member=int(of_members.any(axis=1).sum()),
        of_groups={rule.label: int(n) for rule, n in zip(grouped.rules, of_groups.sum(axis=0), strict=True)},
        any_group=int(of_groups.any(axis=1).sum()),
    )


def _wide_parents(wide: Wide, parents: pa.Table) -> pa.Table:
    return parents.select(list(wide.parent.values())).rename_columns(list(wide.parent))
