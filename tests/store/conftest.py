from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.store.store import DATABASE_NAME, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE_NAME


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store
