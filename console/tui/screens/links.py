"""What belongs to a row elsewhere: dashboards, logs, runbooks. Over SSH nothing can be opened, so links are copied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import quote

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Label

from console.tui.screens.box import Box
from console.tui.widgets.table import Column, Row, Table

if TYPE_CHECKING:
    from console.tui.app import Console

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def links_for(templates: Mapping[str, str], facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name, URL) of every template whose placeholders this row can fill.

    >>> links_for({"dashboard": "https://d/?m={model}", "node": "https://n/{host}"}, {"model": "a b"})
    [('dashboard', 'https://d/?m=a%20b')]
    """
    found = []
    for name, template in templates.items():
        needed = PLACEHOLDER.findall(template)
        if all(facts.get(part) for part in needed):
            found.append((name, PLACEHOLDER.sub(lambda part: quote(facts[part[1]], safe=""), template)))
    return found


class Links(Box[None]):
    """A list of links; Enter copies one."""

    BINDINGS: ClassVar = [Binding("escape,q,h,o,backspace", "leave", "leave", priority=True, show=False)]

    def __init__(self, links: list[tuple[str, str]]) -> None:
        super().__init__()
        self._rows = [{"name": name, "url": url} for name, url in links]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label("Enter copies the link to the clipboard of your terminal; Esc goes back", markup=False)
            yield Table(
                "links",
                (Column("name", 16, lambda row: row["name"]), Column("link", 30, lambda row: row["url"], grows=True)),
                key=lambda row: str(row["name"]),
                facts=lambda row: {"name": str(row["name"])},
            )

    def on_mount(self) -> None:
        """Show them."""
        table = self.query_one(Table)
        table.styles.height = min(len(self._rows) + 2, max(int(self.app.size.height * 0.9) - 3, 3))
        table.show(self._rows)
        table.focus()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Copy one."""
        self._copy(event.row)

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)

    def _copy(self, row: Row) -> None:
        self.dismiss(None)
        cast("Console", self.app).copy(str(row["url"]))
