"""From Arrow to what people use: pandas frames, and files that open in pandas with the right types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import DatasetError
from localsynth.core.schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["for_pandas", "from_pandas", "typed", "with_pandas_types"]


def typed(schema: Schema, table: pa.Table) -> pa.Table:
    """The table with categorical columns as Arrow dictionaries that hold every category, used or not."""
    import pyarrow as pa

    for index, name in enumerate(table.column_names):
        column = schema.column(name)
        if column.kind != "categorical":
            continue
        words = pa.array(list(column.categories), pa.string())
        coded = pa.chunked_array(
            [_coded(chunk, words) for chunk in table.column(index).chunks],
            pa.dictionary(pa.int32(), pa.string()),
        )
        table = table.set_column(index, name, coded)
    return table


def _coded(chunk: pa.Array, words: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = pc.index_in(chunk, value_set=words)
    if codes.null_count > chunk.null_count:  # a value outside the list, kept as it is
        return chunk.dictionary_encode()
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), words)


def with_pandas_types(table: pa.Table) -> pa.Table:
    """The table as a file should hold it for pandas to read integers, truths and days as what they are.

    Days become timestamps at midnight, for pandas makes objects of Arrow's days, which no moment compares with. Integers
    and truths with gaps get a note naming their nullable types, or they would come back as floats and objects.
    """
    import pyarrow as pa

    days = [pa.field(f.name, pa.timestamp("ms")) if f.type == pa.date32() else f for f in table.schema]
    table = table.cast(pa.schema(days))
    names = {pa.int64(): "Int64", pa.bool_(): "boolean"}
    columns = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": str(field.type),
            "numpy_type": names[field.type],
            "metadata": None,
        }
        for index, field in enumerate(table.schema)
        if field.type in names and table.column(index).null_count
    ]
    note = {"index_columns": [], "column_indexes": [], "columns": columns, "pandas_version": "2.0.0"}
    return table.replace_schema_metadata({"pandas": json.dumps(note)})


def from_pandas(frame: pd.DataFrame) -> pa.Table:
    """The frame as Arrow, without its index. Raises ``DatasetError`` naming what has no counterpart."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DatasetError(
            f"the frame cannot be read: {error}", "give every column one type, and every column a name"
        ) from error


def for_pandas(table: pa.Table) -> pd.DataFrame:
    """A frame: whole numbers and truths stay so with gaps, days become ``datetime64``, dictionaries ``category``."""
    import pandas as pd
    import pyarrow as pa

    gaps = {field.type for i, field in enumerate(table.schema) if table.column(i).null_count}
    kinds: dict[Any, Any] = {
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }

    # pandas' mapper sees the type only, so columns without gaps are converted apart and keep numpy's types.
    def part(names: list[str], mapper: Any) -> pd.DataFrame:
        return table.select(names).to_pandas(types_mapper=mapper, date_as_object=False)

    if not any(kind in gaps for kind in kinds):
        return table.to_pandas(date_as_object=False)
    with_gaps = [name for i, name in enumerate(table.column_names) if table.column(i).null_count]
    without = [name for name in table.column_names if name not in with_gaps]
    return pd.concat([part(with_gaps, kinds.get), part(without, None)], axis=1)[table.column_names]
