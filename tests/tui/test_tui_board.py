"""The board: worst first, every light with a shape, the panels below, and what the keys do."""

from __future__ import annotations

from pathlib import Path

from consoles import TellingClient, board, running, text_of


async def test_the_board_shows_models_lights_and_panels(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        shown = text_of(app)
    assert "glove" in shown
    assert "▲ degraded" in shown
    assert "● ok" in shown
