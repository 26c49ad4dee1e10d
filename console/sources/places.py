"""Where the files of a growing table lie: on this host, or in an object store that fsspec can list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from console.errors import SourceDenied, SourceError, UsageError
from console.sources.logs import File
from console.sources.redact import shown_url

MOST_FILES = 5000
CHANGES_WITH_CONTENT = ("etag", "ETag", "md5Hash", "crc32c", "content_md5", "LastModified", "last_modified", "updated",
                        "mtime", "created", "generation")  # fmt: skip

DRIVERS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs"}

T = TypeVar("T")


class Here:
    """Files of this host."""

    is_live = True

    def __init__(self, find: Callable[[], Sequence[str]]) -> None:
        self._find = find

    def find(self) -> Sequence[File]:
        """The files as they are now; one that goes in this moment is not among them."""
        found = []
        for path in self._find():
            try:
                stat = Path(path).stat()
            except FileNotFoundError:
                continue
            version = (stat.st_size, stat.st_mtime_ns)
            found.append(File(path, stat.st_size, version, (stat.st_dev, stat.st_ino)))
        return found

    def read(self, path: str, start: int, end: int) -> bytes:
        """Bytes of a file, as many as there are. Raises SourceError and SourceDenied."""
        try:
            with Path(path).open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except PermissionError:
            raise SourceDenied(f"{path} may not be read", "give this user the right to read it") from None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}", "") from None


class Objects:
    """Objects of a store, by URLs such as s3://bucket/rows-*.parquet. Credentials are fsspec's own affair."""

    is_live = False  # an object appears whole

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        self.name = name
        try:
            core = importlib.import_module("fsspec.core")
        except ImportError:
            raise UsageError(f"table {name}: {shown_url(urls[0])} is read through fsspec, which is not installed",
                             "pip install 'andon[tables]'") from None  # fmt: skip
        self._stores = [self._asked(url, core.url_to_fs, url) for url in urls]
        self._urls = [*urls]
        self._store_of: dict[str, Any] = {}

    def find(self) -> Sequence[File]:
        """The objects as they are now. Raises SourceError where there is none, and as `read` does."""
        found: dict[str, File] = {}
        for url, (store, path) in zip(self._urls, self._stores, strict=True):
            store.invalidate_cache()
            listed = self._asked(url, store.glob, path, detail=True)
            for name, told in listed.items():
                if told.get("type") == "file":
                    self._store_of[name] = store
                    version = tuple(str(told[key]) for key in CHANGES_WITH_CONTENT if told.get(key) is not None)
                    size = int(told.get("size") or 0)
                    found[name] = File(name, size, (size, *version))
        if not found:
            shown = ", ".join(map(shown_url, self._urls))
            raise SourceError(f"table {self.name}: there is no object {shown}", "check its URL")
        if len(found) > MOST_FILES:
            raise SourceError(f"table {self.name}: {len(found)} objects are too many", f"at most {MOST_FILES} are read")
        return [found[name] for name in sorted(found)]

    def read(self, path: str, start: int, end: int) -> bytes:
        """Bytes of an object. Raises SourceError, SourceDenied, and UsageError for a store without its driver."""
        return bytes(self._asked(path, self._store_of[path].cat_file, path, start=start, end=end))

    def _asked(self, url: str, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """A store's answer. What it says of its errors may hold credentials, so only their kind is told."""
        try:
            return call(*arguments, **named)
        except ImportError:
            scheme = url.partition("://")[0]
            raise UsageError(f"table {self.name}: the driver of {scheme}:// is not installed",
                             f"pip install {DRIVERS.get(scheme, 'what fsspec needs for it')}") from None  # fmt: skip
        except PermissionError:
            raise SourceDenied(f"table {self.name}: {shown_url(url)} may not be read",
                               "look at the credentials that the store's driver finds") from None  # fmt: skip
        except FileNotFoundError:
            raise SourceError(f"table {self.name}: there is no object {shown_url(url)}", "check its URL") from None
        except Exception as error:  # noqa: BLE001 - every driver has its own
            raise SourceError(f"table {self.name}: {shown_url(url)} cannot be read: {type(error).__name__}",
                              "look at the store, and at the credentials of this user") from None  # fmt: skip
