"""Rows as lines: what is written can be read, whatever the columns are called and hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.columns import CategoricalColumn, IntegerColumn
from localsynth.core.contracts import Sampling
from localsynth.core.schema import Schema
from localsynth.methods.page import START, Page, table_of
from tests.methods.support import FakeAsk, assert_valid, schemas

SCHEMA = Schema(
    columns=(
        CategoricalColumn(name="bird", categories={"Wren": "", "Lark, the": ""}),
        IntegerColumn(name="eggs", range=(0, 9), nullable=True),
    )
)


def test_a_row_is_its_cells_in_the_page_s_order() -> None:
    page = Page.of(SCHEMA, ("eggs", "bird"))
    assert page.line({"bird": "Lark, the", "eggs": 3}) == '3,"Lark, the"\n'
    assert page.line({"bird": "Wren", "eggs": None}) == ",Wren\n"
    rows, lost = page.read(['3,"Lark, the"\n', ",Wren"])
    assert not lost
    assert rows == [{"eggs": 3, "bird": "Lark, the"}, {"eggs": None, "bird": "Wren"}]


def test_what_cannot_be_read_is_told() -> None:
    rows, lost = Page.of(SCHEMA, ("bird", "eggs")).read(["Owl,3\n", "Wren\n", "Wren,12\n", "Wren,4\n"])
    assert rows == [{"bird": "Wren", "eggs": 4}]
    assert [(one.reason, one.text) for one in lost] == [
        ("parse", "Owl,3\n"),
        ("parse", "Wren\n"),
        ("parse", "Wren,12\n"),
    ]


def test_a_table_has_all_columns_and_empty_identifiers() -> None:
    schema = Schema.model_validate({"columns": [{"name": "id", "kind": "identifier"}, *SCHEMA.columns]})
    table = table_of(schema, [{"eggs": 3, "bird": "Wren"}])
    assert table.to_pylist() == [{"id": None, "bird": "Wren", "eggs": 3}]
    assert table_of(schema, []).schema == table.schema


@settings(max_examples=40, deadline=None)
@given(schema=schemas(), seed=st.integers(0, 2**31))
def test_lines_that_the_grammar_allows_go_round(schema: Schema, seed: int) -> None:
    names = [column.name for column in schema.columns if column.kind != "identifier"]
    page = Page.of(schema, names[::-1])
    request = page.request(6, Sampling(), seed, None)
    assert (request.prefix, request.grammar) == (START, page.plain())
    (sample,) = FakeAsk().sample("rows", [request])
    rows, lost = page.read(sample.texts)
    assert not lost
    assert page.read([page.line(row) for row in rows]) == (rows, [])
    assert_valid(schema, table_of(schema, rows))
