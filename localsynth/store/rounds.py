"""What a method tried while it learnt, in ``meta.rounds``: every candidate with its score, kept with the step that tried it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localsynth.core.contracts import Round
from localsynth.core.errors import RunError
from localsynth.core.judging import writable

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Store

__all__ = ["read_rounds", "rounds_table"]

_NUMBERS = ("score", "low", "high", "novelty")
_MOST = sys.float_info.max


def rounds_table(run_id: str, batch_no: int, rounds: Sequence[Round]) -> pa.Table:
    """Rows for ``meta.rounds``, in the order given.

    Raises ``RunError`` where one is not as :class:`~localsynth.core.contracts.Round` says, cannot be written down, or stands
    there twice.
    """
    import pyarrow as pa

    for one in rounds:
        if wrong := _wrong(one):
            raise _mistake(run_id, wrong)
    if len({(one.number, one.candidate) for one in rounds}) < len(rounds):
        raise _mistake(run_id, "two candidates of one round with the same number")
    columns = {
        "run_id": pa.array([run_id] * len(rounds), pa.string()),
        "batch_no": pa.array([batch_no] * len(rounds), pa.int32()),
        "round": pa.array([one.number for one in rounds], pa.int32()),
        "candidate": pa.array([one.candidate for one in rounds], pa.int32()),
        "author": pa.array([one.author for one in rounds], pa.string()),
        "move": pa.array([one.move for one in rounds], pa.string()),
        "accepted": pa.array([one.accepted for one in rounds], pa.bool_()),
        **{name: pa.array([_float(getattr(one, name)) for one in rounds], pa.float64()) for name in _NUMBERS},
        "theta": pa.array([_json(run_id, "theta", dict(one.theta)) for one in rounds], pa.string()),
        "gaps": pa.array([_json(run_id, "gaps", list(map(dict, one.gaps))) for one in rounds], pa.string()),
    }
    return pa.table(columns)


def read_rounds(store: Store, run_id: str) -> pa.Table:
    """Every candidate of a run in the order in which they were tried, all columns of ``meta.rounds`` but ``run_id``.

    Raises ``NotFound`` where there is no such run.
    """
    from .runs import require  # whose batches bring rounds

    columns = f"batch_no, round, candidate, author, move, accepted, {', '.join(_NUMBERS)}, theta, gaps"
    with store.read() as con:
        require(con, run_id)
        query = f"SELECT {columns} FROM meta.rounds WHERE run_id = ? ORDER BY batch_no, rowid"
        return con.sql(query, params=[run_id]).to_arrow_table()


def _wrong(one: Round) -> str:
    """What a method gave instead of a round; empty where it is one."""
    if not isinstance(one, Round):
        return f"a {type(one).__name__} instead of a round"
    if not all(_counts(number) for number in (one.number, one.candidate)):
        return f"a round numbered {one.number!r}, candidate {one.candidate!r}"
    if not (writable(one.author) and one.author and writable(one.move)):
        return f"round {one.number} without an author and a move in words"
    if not isinstance(one.accepted, bool):
        return f"round {one.number} with accepted = {one.accepted!r}"
    if not all(isinstance(part, Mapping) for part in (one.theta, *one.gaps)):
        return f"round {one.number} with theta or gaps that are no objects"
    odd = next((name for name in _NUMBERS if not _told(getattr(one, name))), None)
    return f"round {one.number} with {odd} = {getattr(one, odd)!r}" if odd is not None else ""


def _counts(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number < 2**31


def _told(number: Any) -> bool:
    """A number that a float can hold, or none."""
    if number is None:
        return True
    return isinstance(number, int | float) and not isinstance(number, bool) and -_MOST <= number <= _MOST


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _json(run_id: str, what: str, value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _mistake(run_id, f"{what} that are no JSON ({error})") from error
    if not writable(text):
        raise _mistake(run_id, f"{what} that are no text")
    return text


def _mistake(run_id: str, gave: str) -> RunError:
    return RunError(
        f"the method of run {run_id} gave {gave}", "this is a mistake in the method, not in your recipe"
    )
