"""What is asked of somebody else is signed, asked once, and never said to be done where nobody can tell."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from console.errors import ActRefused, SourceError
from console.library import add_plugin_folder, library_dir
from console.model import Act

add_plugin_folder(library_dir("plugins"))

ASK = {"model": "chat", "ask": "a limit of the prompt's length"}


@contextmanager
def receiver(code: int, *, hangs_up: bool = False) -> Iterator[tuple[str, list[Any]]]:
    """An address that answers so, and what came there."""
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers), body))
            if hangs_up:
                self.connection.close()
                return
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            return None

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ask", heard
    finally:
        server.shutdown()
        server.server_close()


def actuator(url: str, **options: Any) -> Any:
    from andon_plugins.webhook import WebhookOptions
    from andon_plugins.webhook_action import Webhook

    return Webhook("ops", WebhookOptions(url=url, **options))


async def drafted(here: Any) -> Act:
    draft = await here.draft("webhook.call", ASK)
    assert draft.restore is None and draft.target == "whoever hears ops about model=chat"
    return Act("webhook.call", "ops", draft.target, draft.set, draft.expect)


async def test_what_is_asked_along_is_neither_the_acts_key_nor_its_schema() -> None:
    with receiver(204) as (url, heard):
        here = actuator(url)
        draft = await here.draft("webhook.call", {**ASK, "key": "an older one's", "schema": "other/v1"})
        await here.act(Act("webhook.call", "ops", draft.target, draft.set, draft.expect), "key-1")
    assert json.loads(heard[0][1]) == {"schema": "andon.ask/v1", "key": "key-1", **ASK}


async def test_it_is_asked_once_signed_with_the_acts_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from andon_plugins.webhook import signature

    monkeypatch.setenv("OPS_KEY", "quiet please")
    with receiver(204) as (url, heard):
        here = actuator(url, secret_env="OPS_KEY")
        assert await here.act(await drafted(here), "key-1") == {}
    ((headers, body),) = heard
    assert json.loads(body) == {"schema": "andon.ask/v1", "key": "key-1", **ASK}
    assert headers["X-Andon-Delivery"] == "key-1"
    assert headers["X-Andon-Signature"] == signature("quiet please", headers["X-Andon-Timestamp"], body)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 429])
async def test_a_refusal_is_one(code: int) -> None:
    with receiver(code) as (url, _heard):
        here = actuator(url)
        with pytest.raises(ActRefused, match=str(code)):
            await here.act(await drafted(here), "key-1")


async def test_where_nobody_hears_it_nothing_was_asked() -> None:
    with receiver(204) as (url, _heard):
        pass
    here = actuator(url)
    with pytest.raises(ActRefused, match="cannot be reached"):
        await here.act(await drafted(here), "key-1")


@pytest.mark.parametrize("how", [{"code": 500}, {"code": 503}, {"code": 200, "hangs_up": True}])
async def test_what_was_heard_and_not_answered_nobody_can_tell(how: Any) -> None:
    with receiver(**how) as (url, heard):
        here = actuator(url)
        act = await drafted(here)
        with pytest.raises(SourceError) as told:
            await here.act(act, "key-1")
        assert not isinstance(told.value, ActRefused) and len(heard) == 1
        assert await here.did(act, "key-1") is None


async def test_an_action_of_a_model_is_asked_for_by_its_name() -> None:
    with receiver(204) as (url, heard):
        here = actuator(url)
        draft = await here.draft("model.fallback", {"model": "chat", "to": None})
        assert draft.restore is None
        assert await here.act(Act("model.fallback", "ops", draft.target, draft.set, draft.expect), "key-1") == {}
    ((_headers, body),) = heard
    assert json.loads(body) == {"schema": "andon.ask/v1", "key": "key-1", "ask": "model.fallback", "model": "chat"}
