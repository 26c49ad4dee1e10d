"""Small tables in words: for lists on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.report.clean import clean


def columns(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "none") -> str:
    """Rows under headings, each column as wide as its widest cell; the last one runs free.

    >>> print(columns(["id", "title"], [["I-1", "slow"]]))
    id   title
    I-1  slow
    """
    cells = [[clean(str(value)).replace("\n", " ") for value in row] for row in rows]
    if not cells:
        return empty
    table = [list(headings), *cells]
    widths = [max(len(row[index]) for row in table) for index in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )
