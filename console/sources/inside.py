"""The inside of a child process: open one source, then answer questions, one JSON line each, until the parent is gone.

Started as `python -m console.sources.inside` by worker.py. What the source itself prints goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from console.errors import AndonError, PluginError, SourceError
from console.library import add_plugin_folder
from console.sources.calls import CALLS, Opening, line, plain

if TYPE_CHECKING:
    from console.plugins import SourceType

MOST_CHARACTERS = 500  # of what an unexpected error says


def serve(questions: Iterable[bytes], say: Callable[[bytes], object]) -> None:
    """Answer every question; the first one says which source to open and is answered with what that source can do."""
    source: Any = None
    name = ""
    for text in questions:
        question = json.loads(text)
        try:
            if "open" in question:
                opening = Opening(**question["open"])
                name = opening.name
                source = _open(opening)
                result: Any = [call for call in CALLS if callable(getattr(source, call, None))]
            else:
                result = _ask(source, question["call"], question["args"])
            answer = {"id": question["id"], "ok": True, "result": result}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
            answer = {"id": question["id"], "ok": False, "error": _in_words(name, error)}
        say(line(answer))


def _open(opening: Opening) -> Any:
    if opening.file:
        add_plugin_folder(Path(opening.file).parent)
    if opening.inside:
        module_name, _, function = opening.inside.partition(":")
        return getattr(importlib.import_module(module_name), function)(opening.name, **opening.options)
    from console.plugins import load_file

    module = load_file(Path(opening.file)) if opening.file else importlib.import_module(opening.module)
    offers: Iterable[SourceType] = module.andon_sources()
    for offer in offers:
        if offer.kind == opening.kind:
            return offer.open(opening.name, offer.options.model_validate(opening.options))
    raise PluginError(f"{opening.module} offers no source of kind {opening.kind!r}", "")


def _ask(source: Any, name: str, data: list[Any]) -> Any:
    return plain(getattr(source, name)(*CALLS[name].arguments(data)))


def _in_words(name: str, error: BaseException) -> dict[str, str]:
    if isinstance(error, AndonError):
        return {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
    message = f"source {name} failed: {type(error).__name__}: {error}"[:MOST_CHARACTERS]
    return {"kind": SourceError.__name__, "message": message, "hint": ""}


def main() -> None:
    """Serve on what were stdin and stdout; both are put out of the source's reach first."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions, inbox), daemon=True).start()

    def say(text: bytes) -> None:
        answers.write(text)
        answers.flush()

    serve(iter(inbox.get, None), say)


def _listen(questions: IO[bytes], inbox: queue.SimpleQueue[bytes]) -> None:
    """Hand questions over; when the parent is gone, end at once, even in the middle of a call that hangs."""
    for text in questions:
        inbox.put(text)
    os._exit(0)


if __name__ == "__main__":
    main()
