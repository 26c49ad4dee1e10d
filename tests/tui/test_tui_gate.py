"""Whatever a screen forgets to tame, no control character leaves a widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import TellingClient, board, drift_answer, running
from diagnoses import diagnosis

from console.tui.widgets.canvas import Canvas

EVIL = "e\x1b]52;c;QUFB\x07\x9b2J\x9d0;t\x9c\x7f\x85[bold]x[/]\u202e\u200b\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\"


def evil(told: Any) -> Any:
    """The same, with something wicked behind every word."""
    if isinstance(told, dict):
        return {name: evil(value) for name, value in told.items()}
    if isinstance(told, list):
        return [evil(value) for value in told]
    return told + EVIL if isinstance(told, str) else told


@pytest.mark.parametrize(
    "keys", ["1", "2", "3", "4", "5", ["5", "enter"], "6", ["6", "enter"], ["5", "enter", "enter"]]
)
async def test_no_control_character_leaves_a_widget(tmp_path: Path, keys: str | list[str]) -> None:
    client = TellingClient(tmp_path, evil(board()))
    client.answers = {
        "diagnosis": evil(diagnosis()),
        "drift": evil(drift_answer()),
        "incident.list": [],
        "source.check": evil([{"name": "line", "state": "ok", "missing": [["a", "b"]], "signals": ["x"]}]),
    }
    async with running(client) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause(0.1)
        seen = [widget.render_line(y).text for widget in app.screen.query(Canvas) for y in range(widget.size.height)]
        assert any("[bold]x" in line for line in seen)
        assert [line for line in seen if not line.isprintable()] == []
