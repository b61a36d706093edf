"""Numbers as people read them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from localsynth.core.judging import Measure

from .lookup import Figure

__all__ = [
    "MINUS",
    "direction",
    "end_number",
    "figure",
    "interval",
    "number",
    "of_column",
    "percent",
    "plain_number",
    "range_of",
    "spread_of_column",
    "with_interval",
]

MINUS = "−"

# Measures that are a share of rows, cells or records: they read best in per cent.
_SHARES = frozenset(
    {
        "attribute_inference_risk",
        "category_coverage",
        "dcr_share",
        "dependency_violations",
        "duplicate_rows",
        "exact_copies",
        "group_rule_violations",
        "histogram",
        "invalid_cells",
        "invalid_rows",
        "member_rule_violations",
        "membership_tpr",
        "missing_rate",
        "missing_rate_difference",
        "near_copies",
        "near_copies_holdout",
        "range_coverage",
        "rule_violations",
        "stray_members",
        "target_cells",
        "target_shares",
        "wrong_member_counts",
        *(
            f"singling_out_{what}_{mode}"
            for mode in ("multivariate", "univariate")
            for what in ("risk", "rate", "control", "baseline")
        ),
    }
)
_DAY, _MINUTE = date(1970, 1, 1), datetime(1970, 1, 1)  # noqa: DTZ001 - columns of moments have no zone


def number(value: float, measure: Measure) -> str:
    """A value of a measure: per cent for shares, three decimals where it has a range, else four digits."""
    if measure.name in _SHARES and (measure.high is None or measure.high <= 1):
        return percent(value)
    if measure.low is not None and measure.high is not None and measure.high - measure.low <= 2:
        return _decimals(value, 3)
    return plain_number(value)


def percent(share: float) -> str:
    """A share in per cent, one decimal; what is not quite nothing or everything never looks like it."""
    size = abs(share) * 100
    sign = MINUS if share < 0 else ""
    if 0 < size < 0.05:
        return f"{sign}<0.1%"
    if 99.95 <= size < 100:
        return f"{sign}>99.9%"
    return f"{sign}{size:.0f}%" if size in {0, 100} else f"{sign}{size:.1f}%"


def _decimals(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    if value and float(text) == 0:
        text = f"<{10**-digits:.{digits}f}"
    elif abs(value) < 1 and float(text) == 1:
        text = f">{1 - 10**-digits:.{digits}f}"
    return f"{MINUS if value < 0 else ''}{text}"


def plain_number(value: float) -> str:
    """About four digits, as many decimals for all of a size, thousands apart; an exponent only far out."""
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size == 0:
        return "0"
    if size >= 1e9 or size < 1e-4:
        return f"{sign}{size:.3g}".replace("e-", f"e{MINUS}").replace("e+", "e")
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.001 else 5
    return f"{sign}{size:,.{digits}f}"


def end_number(value: float, measure: Measure) -> str:
    """An end of a range or an ideal: a round number, written as one."""
    text = f"{value * 100:g}%" if number(value, measure).endswith("%") else f"{value:g}"
    return text.replace("-", MINUS)


def of_column(value: float, kind: str) -> str:
    """A mean of a column: days and moments, counted since 1970, as such."""
    try:
        if kind == "date":
            return (_DAY + timedelta(days=round(value))).isoformat()
        if kind == "datetime":
            return (_MINUTE + timedelta(minutes=round(value))).isoformat(" ", "minutes")
    except OverflowError:
        pass
    return plain_number(value)


def spread_of_column(value: float, kind: str) -> str:
    """A standard deviation of a column: of days and moments in days."""
    if kind in {"date", "datetime"}:
        return f"{plain_number(value / (1 if kind == 'date' else 1440))} d"
    return plain_number(value)


def interval(low: float, high: float, measure: Measure) -> str:
    """An interval in brackets."""
    return f"[{number(low, measure)}, {number(high, measure)}]"


def figure(found: Figure, measure: Measure) -> str:
    """The value, or mean and spread over seeds; a dash where there is none."""
    if found.value is None:
        return "–"
    text = number(found.value, measure)
    return text if not found.spread else f"{text} ± {number(found.spread, measure)}"


def with_interval(found: Figure, measure: Measure) -> str:
    """The value with what is known of where it may lie."""
    text = figure(found, measure)
    if found.low is not None and found.high is not None and found.spread is None:
        text += f" {interval(found.low, found.high, measure)}"
    return text


def direction(measure: Measure) -> str:
    """Where good values lie, in words."""
    match measure.better:
        case "higher":
            return "higher is better"
        case "lower":
            return "lower is better"
        case "ideal" if measure.ideal is not None:
            return f"ideal {end_number(measure.ideal, measure)}"
        case _:
            return "a fact, neither good nor bad"


def range_of(measure: Measure) -> str:
    """The range of a measure's values in words."""
    low, high = measure.low, measure.high
    if low is None and high is None:
        return "any number"
    if low is None or high is None:
        end = low if low is not None else high
        assert end is not None
        return f"{'from' if high is None else 'up to'} {end_number(end, measure)}"
    return f"{end_number(low, measure)} to {end_number(high, measure)}"
