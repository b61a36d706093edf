"""A schema is saved only where it can be used, fits the rows, and nobody changed it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.errors import DatasetError, RuleError
from localsynth.core.schema import Rule, Schema
from localsynth.workspace.schemas import SchemaChanged, save_schema

SCHEMA = Schema.model_validate(
    {"columns": [{"name": "n", "kind": "integer", "range": [0, 9]}, {"name": "b", "kind": "boolean"}]}
)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    path = tmp_path / "t.csv"
    path.write_text("n,b\n" + "".join(f"{i % 10},{'true' if i % 2 else 'false'}\n" for i in range(40)))
    made = Workspace(tmp_path / "ws")
    made.import_file(path, name="t", schema=SCHEMA, holdout=0.25)
    return made


def with_rule(check: str) -> Schema:
    return SCHEMA.model_copy(update={"rules": (Rule(check=check),)})


def test_a_good_schema_is_kept(ws: Workspace) -> None:
    saved = save_schema(ws, "t", with_rule("n < 10"), base=SCHEMA)
    assert saved == ws.schema("t")
    assert saved.rules == (Rule(check="n < 10"),)


@pytest.mark.parametrize("check", ["n <", "n > 99"])
def test_rules_that_cannot_be_kept_are_refused(ws: Workspace, check: str) -> None:
    with pytest.raises(RuleError):
        save_schema(ws, "t", with_rule(check), base=SCHEMA)
    assert ws.schema("t") == SCHEMA


def test_rows_that_do_not_fit_are_refused(ws: Workspace) -> None:
    narrow = Schema.model_validate(
        {"columns": [{"name": "n", "kind": "integer", "range": [0, 3]}, {"name": "b", "kind": "boolean"}]}
    )
    with pytest.raises(DatasetError, match="lies outside 0 to 3"):
        save_schema(ws, "t", narrow)


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unasked(ws: Workspace) -> None:
    ws.set_schema("t", with_rule("n < 11"))
    with pytest.raises(SchemaChanged, match="changed elsewhere"):
        save_schema(ws, "t", with_rule("n < 10"), base=SCHEMA)
    assert ws.schema("t").rules == (Rule(check="n < 11"),)
    save_schema(ws, "t", with_rule("n < 10"))
    assert ws.schema("t").rules == (Rule(check="n < 10"),)
