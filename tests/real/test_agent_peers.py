"""The whole investigation against servers of the Messages API that nobody here wrote: @copilotkit/aimock, and a LiteLLM
proxy before it, which words everything anew for another API and back.

They take any request (the strict one is `messagesserver`), but stream, think, refuse and break off on their own terms.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nouns
import pytest
from modelservers import ROOT, has_environment, litellm, running
from promserver import free_port

from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.budget import Limits
from console.triage.agent.looks import Looks
from console.triage.agent.probing import Able
from console.triage.agent.speaker import Endpoint, Speaker
from console.triage.agent.talking import AGAIN, Talk, Talking
from console.triage.agent.tool import Scene

AIMOCK = ROOT / ".venv-aimock/node_modules/@copilotkit/aimock/dist/cli.js"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not AIMOCK.exists(), reason="no aimock here: make .venv-aimock/.ready"),
]

KEY = "k-test"
CLAIM = {"text": "the glöves are bläck 🧤", "evidence": ["F1"]}
LOOKS = {"content": "A deploy, maybe 🧤?",
         "toolCalls": [{"id": "toolu_a", "name": "events", "arguments": {"kinds": ["deploy"]}}]}  # fmt: skip
CONCLUDES = {"toolCalls": [{"id": "toolu_b", "name": "conclude", "arguments": {"claims": [CLAIM]}}]}
BUSY = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 1}
OVERLOADED = {"error": {"message": "too many of you", "type": "overloaded_error"}, "status": 529}


def turns(model: str, *answers: Any, **more: Any) -> list[dict[str, Any]]:
    """What `model` answers, one request after the other; `more` is about the first of them."""
    said = [{"match": {"model": model, "sequenceIndex": at}, "response": answer} for at, answer in enumerate(answers)]
    return [{**said[0], **more}, *said[1:]]


FIXTURES = [
    *turns("looks", LOOKS, CONCLUDES),
    *turns("thinks", {**LOOKS, "reasoning": "is it the glöves?", "reasoningSignature": "EqQB" * 40,
                      "redactedThinking": ["RW1w"]}, CONCLUDES),
    *turns("busy", BUSY, CONCLUDES),
    *turns("overloaded", *[OVERLOADED] * (1 + AGAIN)),
    *turns("breaks", LOOKS, LOOKS, CONCLUDES, truncateAfterChunks=9),
    *turns("proxied", LOOKS, CONCLUDES),
    *turns("proxied too", *[OVERLOADED] * (1 + AGAIN)),
    {"match": {"model": "dead"}, "response": LOOKS, "truncateAfterChunks": 1},
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("aimock")
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": FIXTURES}))
    port = free_port()
    command = ["node", str(AIMOCK), "-p", str(port), "-f", "fixtures.json", "--strict", "--chunk-size", "3"]
    with running(command, f"http://127.0.0.1:{port}/health", folder, {"AIMOCK_API_KEYS": KEY}):
        yield f"http://127.0.0.1:{port}"


async def talk(url: str, model: str, heard: list[str] | None = None, key_env: str = "ANDON_TEST_KEY") -> Talk:
    speaker = Speaker(Endpoint(model, url, key_env))
    looks = Looks(Scene(Situation(Estate(), nouns.NOON), built_in_step_types(), nouns.diagnosis()))
    words = heard if heard is not None else []
    talking = Talking(
        model, speaker, looks, nouns.diagnosis(), able=Able(), limits=Limits(seconds=60.0), pause=0.01,
        on_news=lambda news: words.append(news.text) if news.text else None,
    )  # fmt: skip
    try:
        return await talking.through()
    finally:
        await speaker.close()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)


def asked(url: str, model: str) -> Sequence[Any]:
    """What the server says that it was asked."""
    request = urllib.request.Request(f"{url}/__aimock/journal", headers={"x-api-key": KEY})
    with urllib.request.urlopen(request, timeout=10) as answer:
        bodies = [each["body"] for each in json.load(answer)]
    return [body for body in bodies if body and body.get("model") == model]


async def test_it_looks_once_and_concludes(url: str) -> None:
    heard: list[str] = []
    done = await talk(url, "looks", heard)
    assert not done.says.stopped
    assert [(each.text, each.evidence) for each in done.says.claims] == [(CLAIM["text"], ("F1",))]
    assert "".join(heard) == LOOKS["content"] and len(heard) > 1
    _first, second = asked(url, "looks")
    assert [message["role"] for message in second["messages"][-2:]] == ["assistant", "tool"]  # as it words them itself
    assert second["messages"][-1]["tool_call_id"] == "toolu_a"


async def test_what_it_thought_is_kept_as_it_was(url: str) -> None:
    done = await talk(url, "thinks")
    assert done.says.claims
    assert done.messages[1]["content"][:2] == [
        {"type": "redacted_thinking", "data": "RW1w"},
        {"type": "thinking", "thinking": "is it the glöves?", "signature": "EqQB" * 40},
    ]


async def test_it_waits_as_long_as_it_is_told_to_and_asks_again(url: str) -> None:
    done = await talk(url, "busy")
    assert done.says.claims and done.says.usage.calls == 2 and done.says.usage.seconds >= 1.0


@pytest.mark.parametrize(("model", "said"), [("overloaded", "too many of you"), ("dead", "RemoteProtocolError")])
async def test_an_endpoint_that_stays_as_it_is_ends_it_with_a_reason(
    url: str, model: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.triage.agent.speaker.BUSY_SECONDS", 0.01)
    done = await talk(url, model)
    assert said in done.says.stopped and not done.says.claims and done.says.usage.calls == 1 + AGAIN


async def test_what_broke_off_in_the_middle_is_asked_again(url: str) -> None:
    done = await talk(url, "breaks")
    assert done.says.claims and done.says.usage.calls == 3
    assert len(done.messages) == 4  # half an answer is none of them


async def test_without_its_key_it_is_denied(url: str) -> None:
    done = await talk(url, "looks", key_env="NO_SUCH_KEY")
    assert done.says.stopped.startswith("the model looks: ") and done.says.usage.calls == 1


@pytest.mark.skipif(not has_environment("litellm"), reason="no LiteLLM here: make .venv-litellm/.ready")
async def test_a_litellm_proxy_is_an_endpoint_like_any_other(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.triage.agent.speaker.BUSY_SECONDS", 0.01)
    behind = {"api_key": KEY, "api_base": f"{url}/v1", "max_retries": 0}
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", **behind}}
        for name in ("proxied", "proxied too")
    ]
    with litellm(tmp_path, models=models) as proxy:
        monkeypatch.setenv("ANDON_TEST_KEY", proxy.headers["Authorization"].removeprefix("Bearer "))
        heard: list[str] = []
        done = await talk(proxy.api, "proxied", heard)
        assert not done.says.stopped and "".join(heard) == LOOKS["content"]
        assert [(each.text, each.evidence) for each in done.says.claims] == [(CLAIM["text"], ("F1",))]
        overloaded = await talk(proxy.api, "proxied too")
        assert "too many of you" in overloaded.says.stopped and overloaded.says.usage.calls == 1 + AGAIN
        denied = await talk(proxy.api, "proxied", key_env="NO_SUCH_KEY")
        assert denied.says.stopped.startswith("the model proxied: ") and denied.says.usage.calls == 1
