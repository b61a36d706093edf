"""Makes scripts/demo.svg, the README's picture: what `localsynth demo` really printed on a terminal.

    .venv/bin/python scripts/screenshot.py

Options go to the demo (`--rows 100`, `--model uniform`); the run is made in a temporary workspace.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 130
TARGETS_SHOWN = 7
HERE = Path(__file__).parent


def printed(options: list[str], workspace: str) -> str:
    """What the demo writes on a terminal of ``COLUMNS`` columns, colours included. Raises where it fails."""
    ours, theirs = pty.openpty()
    command = [Path(sys.executable).with_name("localsynth"), "demo", *options]
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "LOCALSYNTH_WORKSPACE": workspace,
        "TERM": "xterm-256color",
    }
    demo = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65536):
            chunks.append(chunk)
    except OSError:  # Linux says so when the last writer has gone
        pass
    os.close(ours)
    if demo.wait() != 0:
        raise SystemExit(f"the demo ended with exit code {demo.returncode}")
    return b"".join(chunks).decode().replace("\r\n", "\n")


def excerpt(text: str) -> list[Text]:
    """The lines from the summary on; of the declared numbers only the first, and a sign that more follow."""
    lines = [Text.from_ansi(line) for line in text.splitlines()]
    plain = [line.plain for line in lines]
    summary = next(at for at, line in enumerate(plain) if line.startswith("Checked again"))
    declared = next(at for at, line in enumerate(plain) if line.startswith("Declared, and"))
    rest = next(at for at, line in enumerate(plain) if at > declared and not line)
    cut = declared + 2 + TARGETS_SHOWN
    if cut >= rest:
        return lines[summary:]
    return [*lines[summary:cut], Text(f"  ... {rest - cut} more", style="dim"), *lines[rest:]]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = printed(sys.argv[1:], f"{folder}/workspace")
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", force_terminal=True
    )
    console.print(Text(" ".join(["$ localsynth demo", *sys.argv[1:]]), style="bold"))
    for line in excerpt(text):
        console.print(line, no_wrap=True, overflow="crop")
    target = HERE / "demo.svg"
    # Rich's picture asks a server for its font; ours uses one the reader has.
    picture = re.sub(
        r"@font-face \{.*?\}\s*", "", console.export_svg(title="localsynth demo"), flags=re.DOTALL
    )
    target.write_text(picture, encoding="utf-8")
    print(f"written: {target}, {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
