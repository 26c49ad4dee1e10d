"""The curves of an incident's findings: each is asked for once the cursor rests on its finding, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from textual.timer import Timer

from console.tui.screens.triage_detail import Drawing, curve_question
from console.tui.screens.triage_steps import Place

if TYPE_CHECKING:
    from console.tui.app import Console
    from console.tui.screens.sheet import Sheet

REST_SECONDS = 0.15  # that the cursor rests before its curve is asked for
MOST_CURVES = 32


class Curves:
    """`of` gives what is known of a row's curve; `on_news` is called when more is."""

    def __init__(self, sheet: Sheet, incident: str, on_news: Callable[[], object]) -> None:
        self._sheet = sheet
        self._incident = incident
        self._on_news = on_news
        self._known: dict[str, Drawing] = {}
        self._resting: Timer | None = None

    def of(self, place: Place | None) -> Drawing:
        """The curve of a row; where nothing is known of it, it is asked for once the cursor rests."""
        question = curve_question(place) if place is not None else None
        if place is None or question is None:
            return Drawing()
        key = f"{place.run.get('id')} {place.key}"
        if key not in self._known:
            if self._resting is not None:
                self._resting.stop()
            self._resting = self._sheet.set_timer(REST_SECONDS, lambda: self._ask(key, question))
        return self._known.get(key, Drawing())

    def _ask(self, key: str, question: Mapping[str, Any]) -> None:
        if not self._sheet.is_up:
            return
        while len(self._known) >= MOST_CURVES:
            del self._known[next(iter(self._known))]

        def drawn(drawing: Drawing) -> None:
            self._known[key] = drawing
            if self._sheet.is_up:
                self._on_news()

        cast("Console", self._sheet.app).ask(
            "curve",
            lambda curve: drawn(Drawing(curve)),
            refused=lambda error: drawn(Drawing(None, f"no drawing: {error.message}. {error.hint}".removesuffix(". "))),
            slot=f"curve {self._incident}",
            incident=self._incident,
            **question,
        )
