"""What a source distribution holds."""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder

ROOT = Path(__file__).parent.parent


def test_a_source_distribution_can_be_set_up_from() -> None:
    held = {file.distribution_path for file in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert {"Makefile", "requirements.lock", "requirements-finetune.lock", "models/models.toml"} <= held
    scripts = [path for path in held if path.startswith("scripts/")]
    for path in ["Makefile", *scripts]:
        wanted = re.findall(r"requirements[\w-]*\.lock", (ROOT / path).read_text(encoding="utf-8"))
        assert set(wanted) <= held, path
