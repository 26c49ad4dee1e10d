"""A small copy of one resource: listed in pages, then kept up by a watch. Of every object only a record is held."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from andon_plugins._kubernetes_door import PLAIN, Door, Gone, NotThere

from console.errors import SourceBusy, SourceDenied, SourceError, SourceMalformed

PAGE = 250  # objects; of pods with all their fields a few megabytes
LARGEST_PAGE = 4000  # where a list takes longer than the server remembers
SILENCE_SECONDS = 90.0  # of a watch; a healthy one has a bookmark every minute
WATCH_SECONDS = (240, 300)  # then the server ends it, and it is taken up where it stopped
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
DENIED_PAUSE = 60.0
STALE_SECONDS = 30.0  # how long a copy is still the present after its watch was lost
METADATA = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1,application/json"

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as one API server has it."""

    group: str
    version: str
    plural: str
    namespaced: bool = True
    metadata_only: bool = False
    fields: str = ""  # a field selector

    def path(self, namespace: str | None) -> str:
        """Where its list is."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return (
            f"{root}/namespaces/{namespace}/{self.plural}" if namespace and self.namespaced else f"{root}/{self.plural}"
        )

    def accept(self, *, is_list: bool) -> str:
        return METADATA.format(list="List" if is_list else "") if self.metadata_only else PLAIN

    def permission(self, namespace: str | None) -> str:
        """What a role has to say, in words."""
        where = (
            f"namespace {namespace}" if namespace and self.namespaced else "all namespaces" if self.namespaced else ""
        )
        what = f"{self.plural}.{self.group}" if self.group else self.plural
        return f"may not list {self.plural}{' in ' + where if where else ''}: add get, list, watch on {what}"


class Mirror(Generic[R]):
    """One resource of one namespace (or of all). `items` is replaced or changed by its own thread; copy, then look."""

    def __init__(
        self,
        door: Door,
        resource: Resource,
        namespace: str | None,
        keep: Callable[[dict[str, Any]], R | None],
        *,
        changed: Callable[[R | None, R | None], None] = lambda _before, _after: None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.items: dict[str, R] = {}
        self.trouble: SourceError | None = None
        self.listed = threading.Event()  # once, wholly
        self.settled = threading.Event()  # listed, or known to be in trouble
        self.progress = (0, 0)  # while it is listed: objects so far, of how many
        self.lists = self.watches = 0  # how often each was begun
        self._door = door
        self._keep = keep
        self._changed = changed
        self._lost: float | None = None  # since when nothing keeps it up
        self._version: str | None = None
        self._page = PAGE
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=resource.plural, daemon=True)

    def start(self) -> None:
        """Begin to list, then to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new."""
        self._ended.set()

    def now(self) -> list[R]:
        """What is there right now. Raises SourceError where that is not known."""
        if self.listed.is_set() and (self._lost is None or time.monotonic() - self._lost < STALE_SECONDS):
            return list(self.items.values())
        if self.trouble is not None:
            raise self.trouble
        have, of = self.progress
        raise SourceBusy(f"{self.resource.plural} are still being listed: {have:,} of {max(have, of):,} so far", "wait")

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            try:
                if self._version is None:
                    self._list()
                self._watch()
                pause = FIRST_PAUSE
                continue
            except Gone:
                self._version = None  # once more, from the beginning
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            except SourceDenied as error:
                said = SourceDenied(self.resource.permission(self.namespace), "see the role in docs/kubernetes.md")
                self._in_trouble(error if "403" not in error.message else said)
                wait = DENIED_PAUSE
            except NotThere as error:
                self._in_trouble(error)
                wait = DENIED_PAUSE
            except SourceError as error:
                self._in_trouble(error)
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            except Exception as error:  # noqa: BLE001 - what a server makes up must not end the thread
                self._version = None
                self._in_trouble(SourceMalformed(f"{self.resource.plural}: {type(error).__name__}: {error}", ""))
                wait = DENIED_PAUSE
            self._ended.wait(wait * random.uniform(0.8, 1.2))

    def _in_trouble(self, error: SourceError) -> None:
        self.trouble = error
        self._lost = self._lost if self._lost is not None else time.monotonic()
        self.settled.set()

    def _is_well(self) -> None:
        self.trouble = self._lost = None
        self.settled.set()

    def _list(self) -> None:
        """List anew, page by page. Raises as Door.get; Gone where a list took too long, and pages are larger then."""
        self.lists += 1
        found: dict[str, R] = {}
        params = {"limit": str(self._page)} | self._selection()
        self.progress = (0, 0)
        while True:
            try:
                answer = self._door.get(self._path, params, accept=self.resource.accept(is_list=True))
            except Gone:
                self._page = min(self._page * 4, LARGEST_PAGE)
                raise
            meta, items = answer.get("metadata") or {}, answer.get("items") or []
            del answer  # a page is as large as thousands of records
            while items:
                self._put(found, items.pop())
            self.progress = len(found), len(found) + int(meta.get("remainingItemCount") or 0)
            if not meta.get("continue"):
                break
            params["continue"] = str(meta["continue"])
        self._replace(found)
        self._version = str(meta.get("resourceVersion") or "")
        self.listed.set()
        self._is_well()

    def _watch(self) -> None:
        """Follow the changes until the server ends it. Raises as Door.watch."""
        self.watches += 1
        params = self._selection() | {
            "resourceVersion": self._version or "0",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),
        }
        accept = self.resource.accept(is_list=False)
        began = time.monotonic()
        changes = self._door.watch(self._path, params, accept=accept, silence=SILENCE_SECONDS)
        self._is_well()
        for change in changes:
            if change["type"] == "DELETED":
                before = self.items.pop(_key(change["object"]), None)
                if before is not None:
                    self._changed(before, None)
            elif change["type"] in ("ADDED", "MODIFIED"):
                self._put_changed(change["object"])
            self._version = str(change["object"]["metadata"].get("resourceVersion") or self._version)
            if self._ended.is_set():
                return
        if time.monotonic() - began < FIRST_PAUSE:
            self._ended.wait(FIRST_PAUSE)  # a server that ends every watch at once is not to be stormed

    def _put(self, found: dict[str, R], item: dict[str, Any]) -> None:
        record = self._record(item)
        if record is not None:
            found[_key(item)] = record

    def _record(self, item: dict[str, Any]) -> R | None:
        """What is held of an object; None where it makes no sense, which costs that object alone."""
        try:
            return self._keep(item)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def _put_changed(self, item: dict[str, Any]) -> None:
        key, record = _key(item), self._record(item)
        before = self.items.get(key)
        if record is not None:
            self.items[key] = record
        elif before is not None:
            del self.items[key]
        if record is not None or before is not None:
            self._changed(before, record)

    def _replace(self, found: dict[str, R]) -> None:
        """Tell what a list changed, and hold it from now on. What the first one finds is no change."""
        if self.listed.is_set():
            for key, before in self.items.items():
                if (after := found.get(key)) != before:
                    self._changed(before, after)
            for key in found.keys() - self.items.keys():
                self._changed(None, found[key])
        self.items = found

    def _selection(self) -> dict[str, str]:
        return {"fieldSelector": self.resource.fields} if self.resource.fields else {}

    @property
    def _path(self) -> str:
        return self.resource.path(self.namespace)


def _key(item: Mapping[str, Any]) -> str:
    meta = item["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"
