"""A dataset's policy beside what a run shows a model, inside a transaction of the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import PolicyError
from localsynth.core.run import Exposure, Run

if TYPE_CHECKING:
    import duckdb

__all__ = ["policy_in", "refuse_narrowed", "told_of"]


def policy_in(con: duckdb.DuckDBPyConnection, dataset: str) -> str | None:
    """The policy of the dataset of that exact name, in a word; ``None`` where there is none of that name."""
    found = con.execute("SELECT policy FROM meta.datasets WHERE name = ?", [dataset]).fetchall()
    return str(found[0][0]) if found else None


def refuse_narrowed(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Raise ``PolicyError`` where a dataset's owner no longer allows what a run that is being made shows the model."""
    found = con.execute(
        "SELECT dataset, exposure, recipe_json FROM meta.runs WHERE run_id = ?", [run_id]
    ).fetchall()
    dataset, label, recipe_json = found[0]
    exposure, recipe = Exposure.parse(label), _read(recipe_json)
    published = bool((recipe.get("dataset") or {}).get("statistics"))
    above = con.execute(
        "SELECT dataset FROM meta.runs WHERE run_id = ?", [(recipe.get("parent") or {}).get("run")]
    ).fetchall()
    for name in (dataset, *(name for (name,) in above)):
        policy = Exposure.parse(policy_in(con, name) or "schema")
        allowed = max(policy, Exposure.STATISTICS) if published else policy
        if exposure > allowed:
            raise PolicyError(
                f"run {run_id} shows the model {exposure.label}, and the policy of '{name}' has been narrowed meanwhile to:"
                f" {policy.label}",
                "its batch was not kept; what it made before is there",
            )


def told_of(con: duckdb.DuckDBPyConnection, run: Run, dataset: str) -> dict[str, Any]:
    """What the audit log says of a run that begins: names, numbers and hashes alone."""
    recipe = _read(run.recipe_json)
    privacy, method = recipe.get("privacy") or {}, recipe.get("method") or {}
    adapter = method.get("adapter")
    return {
        "dataset": dataset,
        "run": run.run_id,
        "method": run.method,
        "method_version": run.method_version,
        "exposure": run.exposure.label,
        "policy": policy_in(con, dataset),
        "model": run.model,
        "model_sha256": run.model_sha256,
        "recipe": run.fingerprint,
        "rows": run.rows_wanted,
        "epsilon": privacy.get("epsilon"),
        "adapter": adapter if isinstance(adapter, str) and adapter else None,
        "published_statistics": True if (recipe.get("dataset") or {}).get("statistics") else None,
        "members_of": (recipe.get("parent") or {}).get("run"),
    }


def _read(recipe_json: str) -> dict[str, Any]:
    try:
        found = json.loads(recipe_json)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
