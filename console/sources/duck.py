"""DuckDB with its hands tied: it reads files of the folders it is given and nothing else, in bounded memory."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from console.errors import SourceDenied, SourceError, SourceMalformed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MEMORY = "512MB"
THREADS = 2
PATHS = frozenset(("files", "label_files"))  # what statements call lists of files


class Duck:
    """One locked connection. `asks` runs a statement with named parameters ($name); data never enters its text."""

    def __init__(self, name: str, folders: Iterable[Path]) -> None:
        self.name = name
        self._connection = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        for setting in (
            f"memory_limit = '{MEMORY}'",
            f"threads = {THREADS}",
            "TimeZone = 'UTC'",
            "preserve_insertion_order = false",
            "disable_parquet_prefetching = true",  # files lie here: whole row groups ahead are memory for nothing
            "allocator_bulk_deallocation_flush_threshold = '32MB'",  # less costs page faults, more stays held
            f"allowed_directories = [{', '.join(literal(str(folder)) for folder in folders)}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def asks(self, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of an answer by column name.

        Raises SourceDenied, SourceMalformed for files that are not what their suffix says, and SourceError.
        """
        with self._errors():
            answer = self._executed(statement, values)
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def arrays(self, statement: str, values: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """The columns of an answer as arrays of shape (rows,): NaN for a NULL number, None for any other NULL.

        Raises as `asks` does.
        """
        import numpy as np

        with self._errors():
            found: dict[str, np.ndarray[Any, Any]] = self._executed(statement, values).fetchnumpy()
        filled = {}
        for name, column in found.items():
            if isinstance(column, np.ma.MaskedArray):
                missing = column.mask
                column = column.data.astype(np.float64 if column.dtype.kind in "fiub" else object)
                column[missing] = np.nan if column.dtype.kind == "f" else None
            filled[name] = column
        return filled

    def hold(self, name: str, rows: Any) -> None:
        """Let statements read a pyarrow.Table under this name, instead of what was held under it before."""
        with self._errors():
            self._connection.register(name, rows)

    def _executed(self, statement: str, values: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
        used = {name: value for name, value in values.items() if f"${name}" in statement}
        for name in PATHS & used.keys():
            used[name] = [glob.escape(file) for file in used[name]]  # each is one file, whatever it is called
        return self._connection.execute(statement, used)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise SourceError(f"table {self.name} needs more than {MEMORY} to count", "ask for fewer columns") from None
        except duckdb.PermissionException as error:
            raise SourceDenied(f"table {self.name} may not be read: {_first_line(error)}", "") from None
        except duckdb.IOException as error:
            raise SourceError(f"table {self.name} cannot be read: {_first_line(error)}", "") from None
        except duckdb.Error as error:
            raise SourceMalformed(f"table {self.name} is not what it should be: {_first_line(error)}", "") from None


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column's name in SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
