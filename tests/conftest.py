"""Shared by all tests: the nouns are importable, and no test reads the operator's own configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# No test passes or fails by the clock, nor, where a submission is judged, by the luck of the draw.
settings.register_profile("andon", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("andon")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.delenv("ANDON_CONFIG", raising=False)
