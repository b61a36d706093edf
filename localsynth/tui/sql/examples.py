"""Queries to begin with, made of what the workspace has."""

from __future__ import annotations

from .catalogue import Catalogue, Relation
from .completion import quoted
from .picker import Pick

__all__ = ["examples"]

_RUNS = """\
SELECT run_id, dataset, method, status, rows_done, rows_wanted, started_at
FROM meta.runs
ORDER BY started_at DESC"""
_ALL = """\
SELECT table_schema AS schema, table_name AS name, count(*) AS columns
FROM information_schema.columns
WHERE table_schema IN ('main', 'meta')
GROUP BY ALL
ORDER BY ALL"""
_NUMBERS = ("BIGINT", "DOUBLE", "INTEGER")
_MEANS = 4


def examples(catalogue: Catalogue, dataset: str | None) -> list[Pick]:
    """The most telling first. dataset : the one the UI is about, or any there is."""
    made: list[Pick] = []
    name = dataset or _any(catalogue)
    real = catalogue.relation(f"{name}_real") if name else None
    synth = catalogue.relation(f"{name}_synth") if name else None
    if synth is not None:
        made.append(Pick("Synthetic rows", "the latest run", f"FROM {quoted(synth.name)} LIMIT 100"))
    if real is not None:
        made.append(Pick("Real rows", "", f"FROM {quoted(real.name)} LIMIT 100"))
    if real is not None and synth is not None:
        made += _means(real, synth)
    if synth is not None and (words := catalogue.words.get(name)):
        made.append(_counted(synth, words[0]))
    if real is not None or synth is not None:
        relation = synth or real
        assert relation is not None
        made.append(Pick("Every column at a glance", "", f"SUMMARIZE {quoted(relation.name)}"))
    made.append(Pick("Runs", "how they ended", _RUNS))
    made.append(Pick("What can be queried", "tables and views", _ALL))
    return made


def _any(catalogue: Catalogue) -> str:
    views = (one.name for one in catalogue.relations if one.schema == "main")
    return next((view.removesuffix("_real") for view in views if view.endswith("_real")), "")


def _means(real: Relation, synth: Relation) -> list[Pick]:
    names = {name for name, _ in synth.columns}
    numbers = [name for name, kind in real.columns if kind in _NUMBERS and name in names][:_MEANS]
    if not numbers:
        return []
    means = ", ".join(f"round(avg({quoted(one)}), 3) AS {quoted(one)}" for one in numbers)
    sql = (
        f"SELECT 'real' AS rows, {means}\nFROM {quoted(real.name)}\n"
        f"UNION ALL\nSELECT 'synthetic', {means}\nFROM {quoted(synth.name)}"
    )
    return [Pick("Means, real against synthetic", "", sql)]


def _counted(synth: Relation, word: str) -> Pick:
    sql = f"SELECT {quoted(word)}, count(*) AS n\nFROM {quoted(synth.name)}\nGROUP BY ALL\nORDER BY n DESC"
    return Pick("How often each value comes", "draw it with p", sql)
