"""How long the terminal UI takes, measured from outside through a terminal of its own.

    python scripts/bench_ui.py start --size-mb 1000 --starts 10 --json

``start``: milliseconds from the start of the process to the first whole picture (bar of places, lists and footer), and to the
datasets in it, on a workspace of that size, which is made first.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

from localsynth.workspace import Workspace

_DATASET = "measured"
_PATIENCE_S = 60.0
_QUIT = b"\x11"  # ctrl+q


class Terminal:
    """A process on a terminal of its own. ``seen`` is all it wrote."""

    def __init__(self, command: list[str], size: tuple[int, int], **environment: str) -> None:
        self.began = time.perf_counter()
        self.seen = b""
        self._end, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        told = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self.process = subprocess.Popen(
            command, stdin=end, stdout=end, stderr=end, env={**os.environ, **told}, start_new_session=True
        )
        os.close(end)

    def until(self, *words: bytes) -> float:
        """Seconds from the start until all these words were written. Raises ``TimeoutError``."""
        while not all(word in self.seen for word in words):
            left = self.began + _PATIENCE_S - time.perf_counter()
            if left <= 0 or not select.select([self._end], [], [], left)[0]:
                raise TimeoutError(f"{words} was not written within {_PATIENCE_S:g} s")
            try:
                self.seen += os.read(self._end, 1 << 16)
            except OSError:  # the other end is closed
                raise TimeoutError(
                    f"the process ended: {self.seen[-2000:].decode(errors='replace')}"
                ) from None
        return time.perf_counter() - self.began

    def processor_s(self) -> float:
        """Seconds of processor time so far: what a start takes on a machine with nothing else to do, about."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def press(self, keys: bytes) -> None:
        """As a keyboard would."""
        os.write(self._end, keys)

    def close(self) -> int:
        """Leave with ctrl+q; gives the exit code."""
        self.press(_QUIT)
        ends = time.perf_counter() + _PATIENCE_S
        while self.process.poll() is None and time.perf_counter() < ends:
            if select.select([self._end], [], [], 0.05)[0]:
                try:
                    os.read(self._end, 1 << 16)
                except OSError:
                    break
        code = self.process.wait(timeout=_PATIENCE_S)
        os.close(self._end)
        return code


def build(folder: Path, megabytes: int) -> Workspace:
    """A workspace whose file has that size: one dataset of a usual size, and numbers nobody reads."""
    space = Workspace(folder)
    space.import_sample("iris", name=_DATASET)
    rows = megabytes * 1_000_000 // (8 * 8)
    if rows:
        numbers = ", ".join(f"random() AS n{index}" for index in range(8))
        with space.store.write() as con:
            con.execute(f"CREATE TABLE real.filler AS SELECT {numbers} FROM range({rows})")
    return space


def start(folder: Path, starts: int, size: tuple[int, int]) -> dict[str, Any]:
    """The first start warms the disk cache and the compiled modules, and does not count."""
    first, busy, data = [], [], []
    for number in range(starts + 1):
        terminal = Terminal([sys.executable, "-m", "localsynth"], size, LOCALSYNTH_WORKSPACE=str(folder))
        painted = terminal.until(b"Home", b"Report", b"Runs", b"Quit")
        processor = terminal.processor_s()
        known = terminal.until(_DATASET.encode())
        if (code := terminal.close()) != 0:
            raise RuntimeError(f"the UI ended with code {code}")
        if number:
            first.append(painted)
            busy.append(processor)
            data.append(known)
    return {
        "starts": starts,
        "file_mb": round((folder / "workspace.duckdb").stat().st_size / 1e6),
        **{f"first_picture_{name}_ms": value for name, value in quantiles(first).items()},
        **{f"first_picture_processor_{name}_ms": value for name, value in quantiles(busy).items()},
        **{f"datasets_shown_{name}_ms": value for name, value in quantiles(data).items()},
    }


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in milliseconds."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return {"p50": round(1000 * statistics.median(seconds), 1), "p95": round(1000 * p95, 1)}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = parser.add_subparsers(dest="section", required=True)
    one = sections.add_parser("start", help="from the start of the process to the first picture")
    one.add_argument("--size-mb", type=int, default=1000, help="of the workspace's file")
    one.add_argument("--starts", type=int, default=10)
    one.add_argument("--terminal", default="120x40", help="columns x lines")
    one.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    asked = parser.parse_args()
    columns, _, lines = asked.terminal.partition("x")
    with tempfile.TemporaryDirectory(prefix="localsynth-bench-") as place:
        folder = Path(place) / "workspace"
        build(folder, asked.size_mb)
        found = start(folder, asked.starts, (int(columns), int(lines)))
    print(
        json.dumps(found) if asked.json else "\n".join(f"{key:<34} {value}" for key, value in found.items())
    )


if __name__ == "__main__":
    main()
