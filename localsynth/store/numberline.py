"""Values of a column as places on a line, in SQL: what its histograms count."""

from __future__ import annotations

from localsynth.core.columns import Column, DateColumn, DatetimeColumn, FloatColumn, IntegerColumn

__all__ = ["place_sql"]


def place_sql(column: Column, value: str) -> tuple[str, str]:
    """The expression that places a value, a DOUBLE, and its unit: ``days`` or ``seconds`` since 1970, else ``""``.

    NULL for a value without a place: a missing or infinite one. An empty expression for a column without an order.
    """
    match column:
        case IntegerColumn():
            return f"{value}::DOUBLE", ""
        case FloatColumn():
            return f"(CASE WHEN isfinite({value}) THEN {value}::DOUBLE END)", ""
        case DateColumn():
            return f"datediff('day', DATE '1970-01-01', {value})::DOUBLE", "days"
        case DatetimeColumn():
            return f"(epoch_us({value}) / 1e6)", "seconds"
    return "", ""
