"""The proof that nothing is lost, with few tries of each kind; and that it would notice if something were."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="faults are made with a compiler, for Linux"
)


def python(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parent}"},
    )


def test_nothing_is_lost(tmp_path: Path) -> None:
    kinds = "kill the run;power cut;disk full;two writers;older version, killed;newer version"
    done = python(SCRIPTS / "prove_durable.py", "--tries", 2, "--seed", 5, "--only", kinds, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if re.search(r" 2 +2 +0 +2/2 ", line)]
    assert [line[:28].strip() for line in lines] == kinds.split(";")


BREAK = """
import random, sys
from pathlib import Path
from durability.children import isolated, restart_with_faults
from durability.judging import Bench, Lost, Tally

restart_with_faults()
bench = Bench(Path(sys.argv[1]), random.Random(1), print)
tally = Tally("broken")
CHANGES = {
    "rows lost": "DELETE FROM synth.tiny WHERE row_no > 10",
    "a cell": "UPDATE synth.tiny SET age = 19 WHERE row_no = 3",
    "real rows": 'UPDATE real.people SET "number" = 99 WHERE row_id = 1',
}

def change(folder, sql):
    import duckdb
    with duckdb.connect(str(folder / "workspace.duckdb")) as con:
        con.execute(sql)

for what, sql in CHANGES.items():
    def one(folder, sql=sql):
        isolated(lambda: change(folder, sql))
        bench.survived(tally, folder)
    bench.try_one(tally, what, one, "with-run")
(Path(sys.argv[1]) / "empty").mkdir()
(Path(sys.argv[1]) / "empty" / "workspace.duckdb").touch()
bench.try_one(tally, "no database", lambda folder: bench.survived(tally, folder), "empty")
print("TALLY", tally.tries, tally.survived, tally.lost, tally.whole)
"""


def test_the_proof_notices_what_is_lost(tmp_path: Path) -> None:
    script, base = tmp_path / "broken.py", tmp_path / "base"
    script.write_text(BREAK)
    base.mkdir()
    done = python(script, base, folder=tmp_path)
    assert "TALLY 4 0 14 False" in done.stdout, done.stdout + done.stderr
    for words in ("14 committed rows are lost", "other rows", "imported rows are others", "does not open"):
        assert words in done.stdout
