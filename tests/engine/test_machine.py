"""The machine's name and its free memory, from what Linux writes about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.engine import machine
from localsynth.engine.machine import Machine, free_memory, processor_name, this_machine

X86 = (
    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R)  Xeon(R) Processor\n\nprocessor\t: 1\n"
)
ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (X86, "Intel(R) Xeon(R) Processor"),
        (ARM, "Raspberry Pi 5 Model B Rev 1.0"),
        ("", ""),
        ("nonsense\n:\n", ""),
    ],
)
def test_names(text: str, name: str) -> None:
    assert processor_name(text) == name


def test_this_machine_is_the_same_twice_and_says_so_in_words() -> None:
    assert this_machine() == this_machine()
    assert this_machine().cpu
    assert str(Machine("X", 1)) == "X, 1 core"
    assert str(Machine("X", 4)) == "X, 4 cores"


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert free_memory() == 8000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 1000000\nactive_file 500000\n")
    assert free_memory() == 8000 * 1024
    (tmp_path / "memory.max").write_text("6000000\n")
    assert free_memory() == 2_500_000
    (tmp_path / "memory.max").write_text("1000\n")
    assert free_memory() == 0


def test_a_system_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine.os, "sysconf", lambda _: 1000)
    assert free_memory() == 500_000
    monkeypatch.delattr(machine.os, "sysconf")
    assert free_memory() is None
