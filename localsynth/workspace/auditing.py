"""The part of the Python API that tells who did what with real data; and what of the other parts is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from localsynth.core.adapter import LearntAdapter
from localsynth.core.errors import PolicyError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.store import audit, datasets
from localsynth.store.auditing import AuditCheck, verify

from .base import Base, PathLike
from .mentions import mentioned

if TYPE_CHECKING:
    from localsynth.store.audit import AuditEntry
    from localsynth.store.browsing import Browse

__all__ = ["Audits", "left", "left_query", "left_view", "refusals"]

_P = ParamSpec("_P")
_S = TypeVar("_S", bound=Base)
_T = TypeVar("_T")


class Audits(Base):
    """The audit log: every entry of ``audit.jsonl``, and whether it is whole."""

    def audit(self, dataset: str | None = None, run: Run | str | None = None) -> list[AuditEntry]:
        """Who did what, oldest first; of one dataset or one run where one is named, also where it is gone.

        run : a run, its whole id, or as for :meth:`get_run`.
        """
        word = None if run is None else run if isinstance(run, str) else run.run_id
        found = audit.read(self.store)
        if word is not None and not any(entry.concerns(run=word) for entry in found):
            word = self.get_run(word).run_id
        return [entry for entry in found if entry.concerns(dataset, word)]

    def verify_audit(self, head: str | None = None) -> AuditCheck:
        """Walk the audit log, and compute the hashes of all prompts that are still there again.

        head : the hash of an entry, written down elsewhere, that must be in the log. Without one this proves that nothing
        was changed by chance, or by who cannot write to the workspace: who can may write log and database anew.
        """
        return verify(self.store, head)


def left(base: Base, what: str, path: PathLike | None, /, **about: Any) -> None:
    """Tell the audit log of a file that was written. path : of it."""
    place = None if path is None else str(Path(path).expanduser().absolute())
    audit.record(base.store, what, path=place, **about)


def left_query(base: Base, what: str, query: str, path: PathLike | None, /, **about: Any) -> None:
    """Tell it of a query's result: by the hash of its text, and the datasets it names."""
    names = mentioned(query, (one.name for one in datasets.list_all(base.store)))
    one = {"dataset": names[0]} if len(names) == 1 else {"datasets": names or None}
    left(base, what, path, sql_sha256=audit.sha256_of(query), **one, **about)


def left_view(base: Base, view: Browse, path: PathLike, /, rows: int | None = None, **about: Any) -> None:
    """Tell it of the rows of a view. rows : how many of them, by default all."""
    real = view.subject.kind == "real"
    whose = {"dataset": view.subject.name} if real else {"run": view.subject.name}
    if not real:
        whose["dataset"] = base.get_run(view.subject.name).dataset
    left(
        base,
        "real rows exported" if real else "rows exported",
        path,
        **whose,
        rows=view.total if rows is None else rows,
        **about,
    )


@contextmanager
def _refusing(base: Base, deed: str, asked: Iterable[object]) -> Iterator[None]:
    try:
        yield
    except PolicyError:
        if base.exists:
            audit.record(base.store, "refused by policy", deed=deed, **_asked(asked))
        raise


def _asked(arguments: Iterable[object]) -> dict[str, Any]:
    """What was asked for, in names."""
    first = next(iter(arguments), None)
    match first:
        case Run():
            return {"dataset": first.dataset, "run": first.run_id, "method": first.method}
        case Recipe():
            return {"dataset": first.dataset.name, "method": first.method.name}
        case LearntAdapter():
            return {"dataset": first.dataset, "adapter": first.adapter_id}
    return {} if first is None else {"asked": str(first)}


def refusals(
    deed: Callable[Concatenate[_S, _P], _T],
) -> Callable[Concatenate[_S, _P], _T]:
    """A method whose refusals by a dataset's policy are told to the audit log."""

    @wraps(deed)
    def kept(self: _S, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _refusing(self, deed.__name__, args):
            return deed(self, *args, **kwargs)

    return cast("Callable[Concatenate[_S, _P], _T]", kept)
