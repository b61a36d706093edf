"""What the runs to be judged were made to meet."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.steps import decimals_of
from localsynth.core.targets import Statistics
from localsynth.store.given import latest
from localsynth.store.session import Store

__all__ = ["aims_of"]


def aims_of(store: Store, runs: Iterable[Run], schema: Schema) -> dict[str, Statistics]:
    """The target statistics of each run that has some, by run id.

    schema : what rows are judged by. A run whose numbers have other decimals than it says is left out: cells are told in
    steps of the last decimal.
    """
    found: dict[str, Statistics] = {}
    for run in runs:
        targets = latest(store, run.run_id)
        if targets is None:
            continue
        made = Schema.model_validate_json(run.schema_json)
        if all(
            decimals_of(made.column(name)) == decimals_of(schema.column(name)) for name in targets.columns
        ):
            found[run.run_id] = targets
    return found
