"""The page about the lab tells every fault that there is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from console.lab.manifest import manifest, names

ROOT = Path(__file__).parents[2]


def test_the_table_of_faults_is_that_of_the_manifests() -> None:
    spec = importlib.util.spec_from_file_location("lab_table", ROOT / "docs" / "lab_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8").partition(module.BEGIN)[2]
    assert shown.strip() == module.table().strip(), "run python docs/lab_table.py"


def test_what_a_manifest_excludes_exists_at_the_same_place() -> None:
    faults = {name: manifest(name) for name in names()}
    for fault in faults.values():
        for other in fault.excludes:
            assert faults[other].place == fault.place, f"{fault.name} excludes {other}"
