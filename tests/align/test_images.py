"""What determines what, looked up in real rows."""

from __future__ import annotations

import pyarrow as pa

from localsynth.align.images import images_of
from localsynth.core.columns import CategoricalColumn, DateColumn, IntegerColumn
from localsynth.core.schema import Dependency, Schema
from localsynth.tables import arrow_schema, table_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "city", "kind": "categorical", "categories": ["Ulm", "Bonn", "Kiel"], "nullable": True},
            {"name": "state", "kind": "categorical", "categories": ["BW", "NW", "SH"]},
            {"name": "code", "kind": "integer", "range": [0, 99]},
            {"name": "since", "kind": "date", "range": ["1900-01-01", "2000-01-01"], "nullable": True},
        ]
    }
)
assert isinstance(SCHEMA.column("city"), CategoricalColumn)
assert isinstance(SCHEMA.column("code"), IntegerColumn)
assert isinstance(SCHEMA.column("since"), DateColumn)


def rows(*some: tuple[object, ...]) -> pa.Table:
    return table_of(SCHEMA, [list(row) for row in some]).cast(arrow_schema(SCHEMA))


def on(left: str, right: str) -> Dependency:
    return Dependency(determinant=tuple(left.split()), dependent=right)


def test_rows_get_the_values_that_go_with_theirs() -> None:
    from datetime import date

    day = date(1949, 5, 8)
    real = rows(("Ulm", "BW", 7, day), ("Bonn", "NW", 5, None), (None, "SH", 1, day), (None, "BW", 1, day))
    images = images_of(SCHEMA, [on("state", "code"), on("city", "state"), on("city code", "since")], real)
    drawn = rows(
        ("Ulm", "SH", 9, None), ("Kiel", "NW", 9, day), (None, "NW", 9, None), ("Bonn", "BW", 0, day)
    )
    found = images.applied(drawn).to_pylist()
    assert found[0] == {"city": "Ulm", "state": "BW", "code": 9, "since": None}, (
        "BW has two codes, so none is looked up"
    )
    assert found[1] == {"city": "Kiel", "state": "NW", "code": 5, "since": day}, "what was never seen stays"
    assert found[2]["state"] == "NW", "a missing value determines nothing"
    assert found[3] == {"city": "Bonn", "state": "NW", "code": 5, "since": None}
    assert images.known["city -> state"] == {'["Ulm"]': "BW", '["Bonn"]': "NW"}
    assert images.applied(rows()).num_rows == 0
