"""CSV and TSV: every cell read as text, by one strict dialect, so that what is refused can be named by its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError

from .names import identifier, literal
from .trouble import first_line, message, with_cells

if TYPE_CHECKING:
    import duckdb

__all__ = ["read_text_file", "utf8"]

_CHUNK = 1 << 20
_USUAL, _RARE = (",", "\t", ";", "|"), (":", "^", "~", " ")


def utf8(path: Path, encoding: str | None, folder: Path) -> tuple[Path, int]:
    """The file as UTF-8 and the length of its longest record; another encoding is rewritten into ``folder``.

    Raises ``DatasetError`` naming the line where the file is not what the encoding says.
    """
    try:
        "".encode(encoding or "utf-8")  # refuses codecs that are not of text, too
    except LookupError:
        raise DatasetError(
            f"there is no encoding called '{encoding}'", "common ones: utf-8, latin-1, cp1252, utf-16"
        ) from None
    codec = codecs.lookup(encoding or "utf-8").name
    if codec in {"utf-8", "utf-8-sig"}:
        return path, _scan(path, "utf-8", None)
    target = folder / "utf-8.csv"
    with target.open("wb") as out:
        longest = _scan(path, codec, out)
    return target, longest


def _scan(path: Path, codec: str, out: io.BufferedWriter | None) -> int:
    decoder = codecs.getincrementaldecoder(codec)()
    line, records, begin = 1, _Records(), b""
    with path.open("rb") as file:
        while True:
            data = file.read(_CHUNK)
            begin = begin or data[:2]
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                # What the decoder held back from the piece before belongs to the same line.
                line += error.object[: error.start].decode(codec, "ignore").count("\n")
                raise _not_text(path, line, codec, begin in _UTF16) from None
            coded = data if out is None else text.encode()
            if out is not None:
                out.write(coded)
            records.feed(coded)
            line += text.count("\n")
            if not data:
                return max(records.longest, records.current)


class _Records:
    """Length in bytes of the longest record: lines, joined where a quoted cell runs on."""

    def __init__(self) -> None:
        self.longest = self.current = 0
        self._open = False

    def feed(self, data: bytes) -> None:
        """Take the next piece of the file."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self.current += len(line) + 1
            self._open ^= bool(line.count(b'"') % 2)
            if not self._open:
                self.longest, self.current = max(self.longest, self.current), 0
        self.current += len(rest)
        self._open ^= bool(rest.count(b'"') % 2)


_UTF16 = {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}


def _not_text(path: Path, line: int, codec: str, utf16: bool) -> DatasetError:
    if codec == "utf-8":
        hint = (
            "--encoding utf-16"
            if utf16
            else "if all of it is in another encoding, say so: --encoding latin-1"
        )
        return DatasetError(f"{path.name}, line {line}: not UTF-8 text", hint)
    return DatasetError(f"{path.name}, line {line}: not {codec} text", "choose another --encoding")


def read_text_file(
    con: duckdb.DuckDBPyConnection, path: Path, source: Path, longest: int, *, tabs: bool
) -> list[str]:
    """Read a UTF-8 file into the table ``raw`` (row_id and text columns c0, c1, ...); gives the header's names.

    path : the file as UTF-8. source : the file as people know it, for messages. Raises ``DatasetError``.
    """
    import duckdb

    delimiter, header = _dialect(path, source, tabs)
    try:
        _load(con, path, delimiter, len(header), max(2 << 20, longest + 1024))
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise _csv_error(message(error), path, source, delimiter, len(header)) from None
    if len(header) == 1:
        # With one column a blank line is a missing cell; those after the last value are only the end of the file.
        con.execute("DELETE FROM raw WHERE row_id > (SELECT max(row_id) FROM raw WHERE c0 IS NOT NULL)")
    return header


def _load(con: duckdb.DuckDBPyConnection, path: Path, delimiter: str, width: int, line: int) -> None:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(width))
    query = (
        "CREATE TABLE raw AS SELECT row_number() OVER () AS row_id, * FROM read_csv(?, auto_detect = false,"
        f" columns = {{{columns}}}, delim = {literal(delimiter)}, quote = '\"', escape = '\"', header = true,"
        f" strict_mode = true, null_padding = false, nullstr = '', max_line_size = {line}, buffer_size = {4 * line})"
    )
    con.execute(query, [str(path)]).fetchall()


def _dialect(path: Path, source: Path, tabs: bool) -> tuple[str, list[str]]:
    """The delimiter, judged by how evenly it divides the first lines, and the header it gives."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(4 * _CHUNK)
        whole = not file.read(1)
    if not sample.strip():
        raise DatasetError(f"{source.name} is empty", "a header line and at least one row are needed")
    best = (",", 0.0, 0)
    for delimiter in ("\t",) if tabs and "\t" in sample.splitlines()[0] else (*_USUAL, *_RARE):
        records = _first(sample, delimiter, whole)
        if not records:
            continue
        width = len(records[0])
        even = sum(len(record) == width for record in records) / len(records)
        if (
            width > 1
            and (delimiter in _USUAL or even == 1)
            and (even, width) > best[1:]
            and (delimiter in _USUAL or best[2] == 0)
        ):
            best = (delimiter, even, width)
    header = (_first(sample, best[0], whole) or [[]])[0]
    if not any(name.strip() for name in header):
        raise DatasetError(f"{source.name}, line 1: the header is blank", "the first line names the columns")
    return best[0], header


def _first(sample: str, delimiter: str, whole: bool, limit: int = 100) -> list[list[str]]:
    records: list[list[str]] = []
    with _long_fields():
        try:
            for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if record or not records:
                    records.append(record)
                if len(records) > limit:
                    return records[:limit]
        except csv.Error:
            return records
    return records if whole or len(records) < 2 else records[:-1]  # the last may be cut off


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_error(text: str, path: Path, source: Path, delimiter: str, width: int) -> DatasetError:
    ragged = re.search(r"Expected Number of Columns: \d+ Found: \d+", text)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"{source.name}, line {line[1]}" if line else source.name
    if ragged:
        found = _ragged(path, delimiter, width)
        if found:
            cells = f"{found[1]} cell{'s' if found[1] != 1 else ''}"
            return DatasetError(
                f"{source.name}, line {found[0]}: {cells}, but the header has {width}",
                "every line needs as many cells as the header; quote cells that hold the delimiter",
            )
    if "unterminated quote" in text:
        return DatasetError(
            f"{where}: a quoted cell is not closed, or text follows its closing quote",
            'write a quote inside a quoted cell twice: "say ""hi"""',
        )
    if "invalid state" in text:
        return DatasetError(
            f"{source.name} is no regular CSV: its lines end in different ways, or its quotes do not match",
            "save it again with one kind of line end, for example with dos2unix",
        )
    words = first_line(text)
    return with_cells(DatasetError(f"{where}: {words}", "is it a CSV file with one header line?"), words)


def _ragged(path: Path, delimiter: str, width: int) -> tuple[int, int] | None:
    """Line and width of the first record not as wide as the header; DuckDB counts records, not lines."""
    with path.open(encoding="utf-8-sig", newline="") as file, _long_fields():
        reader = csv.reader(file, delimiter=delimiter)
        begin = 1
        try:
            for record in reader:
                if record and len(record) != width:
                    return begin, len(record)
                begin = reader.line_num + 1
        except csv.Error:
            return None
    return None


def check_header(header: list[str], source: str) -> None:
    """Names must be usable and differ by more than case. Raises ``DatasetError`` naming the first that is not."""
    from localsynth.core.columns import RESERVED, check_name

    for position, name in enumerate(header, 1):
        if not name.strip():
            raise DatasetError(
                f"{source}: column {position} has no name", "give every column a name in the header"
            )
        try:
            check_name(name)
        except ValueError as error:
            raise DatasetError(f"{source}: {error}", "rename the column in the file") from None
        if name.lower() in RESERVED:
            raise DatasetError(
                f"{source}: the column name '{name}' is taken by the workspace itself",
                "rename the column in the file",
            )
    counts = Counter(name.lower() for name in header)
    twice = [name for name in header if counts[name.lower()] > 1]
    if twice:
        both = " and ".join(
            f"'{name}'" for name in dict.fromkeys(n for n in twice if n.lower() == twice[0].lower())
        )
        raise DatasetError(
            f"{source}: two columns are called {both} (upper and lower case count as the same)",
            "rename one of them in the file",
        )
    if len(header) > 1500:
        raise DatasetError(f"{source}: {len(header)} columns; at most 1500 can be used", "leave some out")


def rename_sql(header: list[str]) -> str:
    """``c0 AS "name", ...``: the text columns under their own names."""
    return ", ".join(f"c{index} AS {identifier(name)}" for index, name in enumerate(header))
