"""A look at a table before it is imported: what an import would make of it, or of its first rows where it is large. Nothing is
written.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from localsynth.core.schema import Schema
from localsynth.store.datasets import THIRD, split
from localsynth.store.session import Store

from .base import Base, PathLike
from .sources import SAMPLE

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from localsynth.store.samples import Sample

__all__ = ["Preview", "Previews"]

_ROWS = 2_000  # of a file that is not read whole
_BYTES = 8 << 20  # of such a text file, at most
_WHOLE_BYTES, _WHOLE_ROWS = 50_000_000, 200_000  # of files that are: text, and Parquet
_ALL, _TRAIN = "SELECT * FROM staged", "SELECT * FROM train"
_HEADED = frozenset({".csv", ".tsv"})  # their first record is of names
_LINES = _HEADED | {".jsonl", ".ndjson"}


@dataclass(frozen=True)
class Preview:
    """What a table looks like.

    source : the file's name or ``sample:NAME``. schema : where the whole table was read, what an import infers that holds out
    the same rows; else a guess from the first rows, and kinds, ranges and categories of an import may be others. rows : how
    many were looked at. total : how many there are, ``None`` where only reading the whole file would tell. size : of the file
    in bytes, ``None`` for a sample.
    """

    source: str
    schema: Schema
    rows: int
    total: int | None
    size: int | None

    @property
    def whole(self) -> bool:
        """Whether an import would infer the same."""
        return self.rows == self.total


class Previews(Base):
    """Tables looked at before they are datasets."""

    def preview(
        self,
        source: PathLike,
        *,
        encoding: str | None = None,
        target: str | None = None,
        rows: int | None = None,
        holdout: float = THIRD,
        seed: int = 0,
    ) -> Preview:
        """Look at a file, or at ``sample:NAME``. The workspace need not exist, and is not touched.

        rows : to look at, the first of the file; by default all of a file of up to 50 MB (of Parquet: 200,000 rows), the first
        2,000 of a larger one. holdout, seed : as the import will hold rows out, which nothing is inferred from.
        Raises ``DatasetError`` as an import would where these rows, or the file, cannot be used.
        """
        if str(source).startswith(SAMPLE):
            return _of_sample(str(source), target, (holdout, seed))
        path = Path(source).expanduser().absolute()
        with tempfile.TemporaryDirectory(prefix="localsynth-") as folder:
            head = _Head(path, encoding, Path(folder), rows)
            schema, seen = _inferred(
                Path(folder), head.stage, target, lambda: None if head.cut else (holdout, seed)
            )
        total = head.total if head.cut else seen
        return Preview(path.name, schema, seen, total, path.stat().st_size)

    @staticmethod
    def samples() -> list[Sample]:
        """The tables that come with the program."""
        from localsynth.store import samples

        return [samples.find(name) for name in samples.sample_names()]


def _of_sample(source: str, target: str | None, split: tuple[float, int]) -> Preview:
    from localsynth.store import samples
    from localsynth.store.files import stage_table

    sample = samples.find(source)
    table = sample.load()
    with tempfile.TemporaryDirectory(prefix="localsynth-") as folder:
        schema, seen = _inferred(
            Path(folder),
            lambda _, con: stage_table(con, table, source),
            target or sample.target,
            lambda: split,
        )
    return Preview(source, sample.describe(schema), seen, seen, None)


def _inferred(
    folder: Path,
    stage: Callable[[Store, duckdb.DuckDBPyConnection], None],
    target: str | None,
    split_as: Callable[[], tuple[float, int] | None],
) -> tuple[Schema, int]:
    """split_as : share and seed of the rows held out, asked once the table is staged; ``None`` infers from all of them."""
    from localsynth.store.files import staging
    from localsynth.store.infer import infer_schema

    store = Store(folder)  # only a folder to spill into
    with staging(store) as con:
        stage(store, con)
        held = split_as()
        if held is not None:
            split(con, *held)
        schema = infer_schema(con, _ALL if held is None else _TRAIN, target=target)
        (seen,) = con.execute("SELECT count(*) FROM staged").fetchall()[0]
    return schema, int(seen)


class _Head:
    """The beginning of a file, in a form that importing takes.

    cut : whether there is more. total : how many rows there are in all, where that is known without reading them.
    """

    def __init__(self, path: Path, encoding: str | None, folder: Path, rows: int | None) -> None:
        self.cut = False
        self.total: int | None = None
        self._path, self._encoding, self._folder = path, encoding, folder
        self._rows, self._whole = rows or _ROWS, rows is None

    def stage(self, store: Store, con: duckdb.DuckDBPyConnection) -> None:
        """Read it into ``staged``. What is no file of a known kind is left to importing to complain of."""
        from localsynth.store.files import stage_file, stage_table

        kind = self._path.suffix.lower()
        if self._path.is_file() and kind == ".parquet" and self._encoding is None:
            table = self._first_batch()
            if table is not None:
                stage_table(con, table, self._path.name)
                return
        if self._path.is_file() and kind in _LINES and (head := self._first_lines()) is not None:
            stage_file(store, con, head, None)
            return
        stage_file(store, con, self._path, self._encoding)

    def _first_batch(self) -> pa.Table | None:
        """``None`` where it is no Parquet file, or small."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with closing(pq.ParquetFile(self._path)) as file:
                total = file.metadata.num_rows
                if total <= (_WHOLE_ROWS if self._whole else self._rows):
                    return None
                table = pa.Table.from_batches([next(file.iter_batches(batch_size=self._rows))])
        except (OSError, pa.ArrowException):
            return None
        self.cut, self.total = True, total
        return table

    def _first_lines(self) -> Path | None:
        """A file of the same name with the first records, in UTF-8; ``None`` where the file is short, or cannot be decoded."""
        try:
            if self._whole and self._path.stat().st_size <= _WHOLE_BYTES:
                return None
            decoder = codecs.getincrementaldecoder(self._encoding or "utf-8")()
            with self._path.open("rb") as file:
                text = decoder.decode(file.read(_BYTES))
                whole = not file.read(1)
        except (OSError, LookupError, UnicodeDecodeError):
            return None
        if not isinstance(text, str):  # a codec that is not of text
            return None
        wanted = self._rows + (self._path.suffix.lower() in _HEADED)
        end, found = _end_of(text, wanted, quotes=self._path.suffix.lower() in _HEADED)
        if not found or (whole and (found < wanted or not text[end:].strip())):
            return None
        self.cut = True
        head = self._folder / "head" / self._path.name
        head.parent.mkdir()
        with head.open("w", encoding="utf-8", newline="") as out:
            _put(out, text[:end])
        return head


def _put(out: IO[str], text: str) -> None:
    out.write(text.removeprefix("\ufeff"))


def _end_of(text: str, records: int, *, quotes: bool) -> tuple[int, int]:
    """Where so many records, or as many as there are whole ones, end; and how many these are.

    quotes : a line break inside double quotes ends no record.
    """
    at = end = count = 0
    inside = False
    while count < records and (found := text.find("\n", at)) >= 0:
        inside ^= quotes and text.count('"', at, found) % 2 == 1
        at = found + 1
        if not inside:
            end, count = at, count + 1
    return end, count
