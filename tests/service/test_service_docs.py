"""docs/daemon.md names every operation there is, and none that is not."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from console.service.house import House
from console.service.operations import all_operations

DOCS = Path(__file__).parents[2] / "docs" / "daemon.md"


async def test_every_operation_is_documented(opened: Callable[..., Awaitable[House]]) -> None:
    table = DOCS.read_text(encoding="utf-8").split("| operation |")[1]
    named = set()
    for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE):
        first, *more = re.findall(r"`([^`]+)`", row)
        named |= {first, *(name if not name.startswith(".") else first.partition(".")[0] + name for name in more)}
    assert named == {*all_operations(await opened()), "status"}
