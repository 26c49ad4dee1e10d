"""A database behind a URL: reached, bounded, and what it says of its errors put in words, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from console.errors import AndonError, SourceDenied, SourceError, SourceMalformed, UsageError
from console.sources.redact import SECRET_NAME, shown_url
from console.words import nearest

CONNECT_SECONDS = 5
DENIED = re.compile(
    r"permission denied|access denied|authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|not authori[sz]ed|insufficient privilege|role \S+ does not exist",
    re.IGNORECASE,
)
LATE = re.compile(r"statement timeout|time ?out|timed out", re.IGNORECASE)


class Engine(Protocol):
    """What andon needs of a database: a table as an Ibis expression, and the answer of an expression."""

    dialect: str  # as Ibis calls it: postgres, duckdb, clickhouse, pyspark, …

    def table(self, name: str) -> Any: ...

    def answer(self, expression: Any) -> Any: ...  # a pyarrow.Table


class Connected:
    """An engine that Ibis connects to itself."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.dialect: str = connection.name

    def table(self, name: str) -> Any:
        """The table, which may be called schema.table. Raises SourceMalformed where there is none."""
        from ibis.common.exceptions import TableNotFound

        *schema, table = name.split(".")
        try:
            return self._connection.table(table, database=".".join(schema) or None)
        except TableNotFound:
            raise SourceMalformed(f"there is no table {name}", nearest(table, self._tables(schema))) from None

    def _tables(self, schema: Sequence[str]) -> Sequence[str]:
        try:
            found: Sequence[str] = self._connection.list_tables(database=".".join(schema) or None)
            return found
        except Exception:  # noqa: BLE001 - it is for a hint alone, and not every pair of engine and driver can
            return ()

    def answer(self, expression: Any) -> Any:
        """The rows of an answer."""
        return self._connection.to_pyarrow(expression)


def named_in(text: str) -> tuple[str, str] | None:
    """The URL and the table of what is written URL::TABLE; None for anything else."""
    url, colons, table = text.rpartition("::")
    return (url, table) if colons and table and "://" in url else None


def connected(url: str, seconds: float) -> Engine:
    """The engine behind a URL; where it can be told to, it reads only, and no statement takes longer than `seconds`."""
    import ibis

    scheme = url.partition(":")[0]
    if scheme in ("postgres", "postgresql"):
        connection = ibis.connect(url, connect_timeout=CONNECT_SECONDS)
        for setting in ("default_transaction_read_only = on", f"statement_timeout = {round(seconds * 1000)}"):
            connection.con.execute(f"SET {setting}")
        return Connected(connection)
    return Connected(ibis.connect(url, read_only=True) if scheme == "duckdb" else ibis.connect(url))


@contextmanager
def in_words(name: str, url: str) -> Iterator[None]:
    """Whatever Ibis or a driver raises, as one of andon's own errors that says nothing secret of the URL."""
    try:
        yield
    except AndonError as error:
        raise type(error)(f"{name}: {error.message}", error.hint) from None
    except ImportError as error:
        hint = "pip install 'andon[tables]', and what its engine needs: pip install 'ibis-framework[…]'"
        raise UsageError(f"{name}: no {error.name or 'driver'} is installed to read it with", hint) from None
    except Exception as error:  # noqa: BLE001 - every driver has a family of its own
        said = without_secrets(str(error), url) or type(error).__name__
        if LATE.search(said):
            hint = "an index on its time column helps, and so does asking for fewer columns"
            raise SourceError(f"{name} did not answer in time: {said}", hint) from None
        if DENIED.search(said):
            raise SourceDenied(f"{name} may not be read: {said}", "look at the user and its rights") from None
        raise SourceError(f"{name} cannot be read: {said}", "look at its URL, and whether it is up") from None


def without_secrets(text: str, url: str) -> str:
    """The first line of a message; nothing where it holds a secret of the URL."""
    line = next(iter(text.strip().splitlines()), "")[:300]
    return "" if any(secret in line for secret in _secrets(url)) else line.replace(url, shown_url(url))


def _secrets(url: str) -> Sequence[str]:
    """The password as it is written and as it is meant, and every parameter that has a telling name."""
    try:
        parts = urlsplit(url)
        written = [parts.password or ""]
    except ValueError:  # what is no URL may be a secret as a whole
        return [url]
    written += [value for name, value in parse_qsl(parts.query) if SECRET_NAME.search(name)]
    return [form for secret in written if secret for form in (secret, unquote(secret), unquote_plus(secret))]
