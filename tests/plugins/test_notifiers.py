"""The shipped notifiers against a server that keeps what it is sent and answers as told."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, get_args

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from nouns import NOON, diagnosis
from pages import plugin
from plans import plan

from console.errors import AndonError, ConfigError, SourceBusy, SourceDenied, SourceError, SourceMalformed
from console.model import Approval, Incident, Labels, Notice, NoticeOf, PlanRecord, Symptom
from console.sources.posting import TooMany

SLACK, WEBHOOK = plugin("slack"), plugin("webhook")
INCIDENTS = ("opened", "cause", "closed", "test")
HOSTILE = "<!channel> @here & <https://evil|click> *b* `c` \x1b[2J \ud800 "


class Catcher:
    """What it was sent, and what it answers."""

    def __init__(self) -> None:
        self.caught: list[tuple[web.BaseRequest, bytes]] = []
        self.answer: Any = lambda: web.Response(text="ok")

    async def take(self, request: web.Request) -> web.Response:
        self.caught.append((request, await request.read()))
        return self.answer()


@asynccontextmanager
async def catching() -> AsyncIterator[tuple[Catcher, str]]:
    catcher, app = Catcher(), web.Application()
    app.router.add_post("/{path:.*}", catcher.take)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield catcher, f"http://127.0.0.1:{runner.addresses[0][1]}/services/T0/B0/XYZSECRET"
    finally:
        await runner.cleanup()


def notice(what: str = "cause", text: str = "slow answers", **changes: Any) -> Notice:
    incident = Incident("I-3", text, "open", 1.0, Symptom(text, labels=Labels.of(model=text)), text, owner=text)
    told = replace(diagnosis(), incident=incident)
    return replace(Notice(what, 1_780_000_000.0, incident, told, "andon incident show I-3"), **changes)  # type: ignore[arg-type]


async def test_a_webhook_carries_the_cause_its_findings_and_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_HOOK_KEY", "s3cret")
    async with catching() as (catcher, url):
        await WEBHOOK.notify(WEBHOOK.WebhookOptions(url=url, secret_env="ANDON_HOOK_KEY"), notice())
    ((request, body),) = catcher.caught
    moment = request.headers["X-Andon-Timestamp"]
    expected = hmac.new(b"s3cret", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert request.headers["X-Andon-Signature"] == f"sha256={expected}"
    assert request.headers["X-Andon-Delivery"] == "I-3/cause"
    told = json.loads(body)
    first = diagnosis().causes[0]
    assert (told["what"], told["incident"]["id"], told["command"]) == ("cause", "I-3", "andon incident show I-3")
    assert (told["causes"][0]["title"], told["causes"][0]["probability"]) == (first.title, first.probability)
    assert [each["id"] for each in told["findings"]] == [each.id for each in notice().cited] != []


async def test_slack_gets_blocks_with_the_cause_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async with catching() as (catcher, url):
        monkeypatch.setenv("ANDON_SLACK_URL", url)
        await SLACK.notify(SLACK.SlackOptions(url_env="ANDON_SLACK_URL"), notice())
    told = json.loads(catcher.caught[0][1])
    shown = json.dumps(told["blocks"], ensure_ascii=False)
    assert told["blocks"][0]["text"]["text"] == "I-3 has a likely cause: slow answers"
    assert diagnosis().causes[0].title in shown
    assert "andon incident show I-3" in shown


def of_a_plan(what: str, text: str = "it is not what it was", **changes: Any) -> Notice:
    made = plan(title=text, cause=text, subject=text, operator=text)
    yes = Approval(NOON, text, 1, "h", "checkout is down", is_break_glass=True)
    record = PlanRecord("P-1", "h", made, reason=text, approvals=(yes,))
    return replace(Notice(what, NOON, None, None, "andon plan show P-1", plan=record), **changes)  # type: ignore[arg-type]


async def test_a_plan_is_told_of_with_who_said_yes_and_why_also_without_an_incident() -> None:
    async with catching() as (catcher, url):
        await WEBHOOK.notify(WEBHOOK.WebhookOptions(url=url), of_a_plan("break_glass"))
    ((request, body),) = catcher.caught
    told = json.loads(body)
    assert request.headers["X-Andon-Delivery"] == "P-1/break_glass"
    assert (told["incident"], told["plan"]["id"], told["plan"]["target"]) == (None, "P-1", "deployment prod/ranker")
    assert told["plan"]["approvals"][0]["is_break_glass"] is True
    shown = json.dumps(SLACK.message(of_a_plan("break_glass", "scale it")))
    assert "P-1 was approved by one operator alone: scale it" in shown and "checkout is down" in shown


def pieces(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [block["text"] for block in message["blocks"]]


@pytest.mark.parametrize("what", get_args(NoticeOf))
def test_nothing_from_outside_is_a_mention_or_a_link_in_slack(what: str) -> None:
    message = SLACK.message(notice(what, HOSTILE) if what in INCIDENTS else of_a_plan(what, HOSTILE))
    json.dumps(message).encode()
    for piece in pieces(message):
        if piece["type"] == "mrkdwn":
            assert "<" not in piece["text"] and ">" not in piece["text"] and piece["verbatim"] is True
        assert "\x1b" not in piece["text"]
    assert "<" not in message["text"]


@given(st.text(max_size=9000), st.sampled_from(["opened", "cause", "closed"]))
@settings(max_examples=60, deadline=None)
def test_a_slack_message_is_never_longer_than_slack_takes(text: str, what: str) -> None:
    message = SLACK.message(notice(what, text or "x"))
    head, *sections = pieces(message)
    assert len(head["text"]) <= 150
    assert all(0 < len(each["text"]) <= 3000 for each in sections)
    for each in sections:  # no entity was cut
        bare = each["text"].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in bare and "<" not in bare and ">" not in bare
    json.dumps(message).encode("utf-8")


@pytest.mark.parametrize("text", ["&" * 9000, "<" * 9000])
def test_what_grows_when_it_is_escaped_fits_too(text: str) -> None:
    assert all(len(each["text"]) <= 3000 for each in pieces(SLACK.message(notice("cause", text))))


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (429, {"Retry-After": "7"}, TooMany),
        (503, {}, SourceBusy),
        (500, {}, SourceError),
        (404, {}, SourceDenied),
        (400, {}, SourceMalformed),
        (302, {"Location": "http://127.0.0.1:1/"}, SourceMalformed),
    ],
)
async def test_an_answer_says_whether_another_try_helps_and_never_shows_the_address(
    status: int, headers: dict[str, str], kind: type[AndonError]
) -> None:
    async with catching() as (catcher, url):
        catcher.answer = lambda: web.Response(status=status, headers=headers, text="invalid_blocks\nat 2")
        with pytest.raises(kind) as raised:
            await SLACK.notify(SLACK.SlackOptions(url=url), notice())
    assert type(raised.value) is kind
    assert "XYZSECRET" not in f"{raised.value.message} {raised.value.hint}"
    assert f"answered {status}: invalid_blocks at 2" in raised.value.message
    if isinstance(raised.value, SourceBusy) and headers:
        assert raised.value.seconds == 7.0


async def test_an_answer_that_says_the_address_again_does_not_have_us_show_it() -> None:
    async with catching() as (catcher, url):
        said = f"Cannot POST {url.partition('/services')[1]}/T0/B0/XYZSECRET?key=QUERYSECRET; password=hunter2"
        catcher.answer = lambda: web.Response(status=404, text=said)
        options = SLACK.SlackOptions(url=f"{url}?key=QUERYSECRET")
        with pytest.raises(SourceDenied, match="answered 404: Cannot POST") as refused:
            await SLACK.notify(options, notice())
    for shown in (refused.value.message, repr(options)):
        assert not [each for each in ("XYZSECRET", "QUERYSECRET", "hunter2") if each in shown]


async def test_nobody_there_and_no_address_are_said_without_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="cannot be reached") as raised:
        await SLACK.notify(SLACK.SlackOptions(url="http://127.0.0.1:1/XYZSECRET"), notice())
    assert "XYZSECRET" not in raised.value.message
    monkeypatch.delenv("ANDON_NOT_SET", raising=False)
    with pytest.raises(ConfigError, match="no ANDON_NOT_SET"):
        await SLACK.notify(SLACK.SlackOptions(url_env="ANDON_NOT_SET"), notice())
    monkeypatch.setenv("ANDON_ODD", "hooks.slack/XYZSECRET")
    with pytest.raises(ConfigError) as odd:
        await SLACK.notify(SLACK.SlackOptions(url_env="ANDON_ODD"), notice())
    assert "XYZSECRET" not in odd.value.message + odd.value.hint


def test_an_incident_that_was_examined_in_vain_says_so() -> None:
    none = replace(diagnosis(), causes=())
    shown = json.dumps(SLACK.message(notice("closed", diagnosis=none)))
    assert "no cause stands out" in shown
