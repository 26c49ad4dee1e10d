"""The source kind `open_inference`: pinned golden inputs through a live model (Open Inference Protocol v2, REST).

It tells world from model: other answers to the same inputs mean that the model, its code or its precision changed.
The golden file has one request a line, as the protocol writes it, with the answers that were right when it was pinned:
{"inputs": [tensor, …], "outputs": [{"name": …, "data": […]}, …], "tolerance": 0.001}
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.plugins import SourceType, hookimpl
from console.sources.options import LocalPath
from console.sources.types import ProbeAnswer, SourceStatus

if TYPE_CHECKING:
    import httpx

AT_ONCE = 4  # a probe is a guest: it must not become load
PROBE_SECONDS = 30.0  # all requests together
TOLERANCE = 0.001
MOST_FILE_BYTES = 32 << 20
MOST_ANSWER_BYTES = 8 << 20
MOST_EXAMPLES = 3
TOO_LARGE = f"model {{}} answers with more than {MOST_ANSWER_BYTES >> 20} MiB"
LINE = 'write lines such as {"inputs": […], "outputs": [{"name": …, "data": […]}]}'
NOT_SENT = ("outputs", "tolerance")


class OpenInferenceOptions(BaseModel):
    """A model behind the Open Inference Protocol, and what it is asked."""

    model_config = ConfigDict(extra="forbid")

    url: str
    model: str
    golden: LocalPath
    timeout: float = Field(default=5.0, gt=0)  # of one request
    limit: int = Field(default=64, gt=0)  # requests sent at most, from the top of the file


@dataclass(frozen=True, slots=True)
class Golden:
    """A pinned request with its pinned answers."""

    line: int
    request: bytes
    outputs: Mapping[str, Sequence[Any]]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one golden request: its seconds and how it differs, or why there is no answer."""

    seconds: float = 0.0
    difference: float = 0.0  # the largest of any number in it
    changed: str = ""  # in words; empty where it is the same within its tolerance
    error: SourceError | None = None


class OpenInference:
    """One served model that can be probed."""

    def __init__(self, name: str, options: OpenInferenceOptions, client: httpx.AsyncClient) -> None:
        self.name = name
        self._options = options
        self._client = client
        self._model_url = f"{options.url.rstrip('/')}/v2/models/{quote(options.model, safe='')}"

    async def probe(self) -> ProbeAnswer:
        """Send the golden inputs, a few at once, and compare each answer with the pinned one.

        Raises SourceError where no request was answered at all, SourceMalformed for a golden file that is none.
        """
        goldens = await asyncio.to_thread(self._goldens)
        turn = asyncio.Semaphore(AT_ONCE)
        tasks = [asyncio.create_task(self._ask(golden, turn)) for golden in goldens]
        try:
            done, late = await asyncio.wait(tasks, timeout=PROBE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
        answers = [task.result() for task in tasks if task in done]
        errors = [answer.error for answer in answers if answer.error is not None]
        if late:
            errors.append(SourceError(f"source {self.name}: {len(late)} golden inputs were still waiting after "
                                      f"{PROBE_SECONDS:g} s", "look at the model server's load"))  # fmt: skip
        answered = [answer for answer in answers if answer.error is None]
        if not answered:
            raise errors[0]
        changed = [answer.changed for answer in answered if answer.changed]
        return ProbeAnswer(
            sent=len(goldens), answered=len(answered), changed=len(changed),
            largest=max(answer.difference for answer in answered),
            median_seconds=statistics.median(answer.seconds for answer in answered),
            examples=tuple(changed[:MOST_EXAMPLES]), error=errors[0].message if errors else "",
        )  # fmt: skip

    async def check(self) -> SourceStatus:
        """Whether the model is served and the golden file is one. Raises SourceError and its kin where not."""
        from console.sources.fetch import fetch

        began = time.monotonic()
        goldens = await asyncio.to_thread(self._goldens)
        await fetch(self._client, self._model_url, seconds=self._options.timeout, most_bytes=MOST_ANSWER_BYTES)
        reason = f"{len(goldens)} golden inputs for {self._options.model}"
        return SourceStatus(self.name, "open_inference", "ok", reason, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _ask(self, golden: Golden, turn: asyncio.Semaphore) -> Answer:
        async with turn:
            began = time.monotonic()
            try:
                answered = _outputs(await self._post(golden.request))
            except SourceError as error:
                return Answer(error=error)
            seconds = time.monotonic() - began
            difference, words = _difference(golden, answered)
            return Answer(seconds, difference, f"golden input {golden.line}: {words}" if words else "")

    async def _post(self, request: bytes) -> bytes:
        import httpx

        try:
            async with asyncio.timeout(self._options.timeout):
                headers = {"Content-Type": "application/json"}
                async with self._client.stream("POST", f"{self._model_url}/infer", content=request, headers=headers,
                                               timeout=None) as response:  # fmt: skip
                    body = b""
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > MOST_ANSWER_BYTES:
                            raise SourceMalformed(TOO_LARGE.format(self._options.model), "look at the model server")
        except TimeoutError:
            raise SourceError(f"model {self._options.model} did not answer within {self._options.timeout:g} s",
                              "raise its timeout, or look at its load") from None  # fmt: skip
        except httpx.HTTPError as error:
            raise SourceError(f"model {self._options.model} cannot be asked: {error or type(error).__name__}",
                              "check that its server runs and that the url is right") from None  # fmt: skip
        if response.status_code in (401, 403):
            raise SourceDenied(f"model {self._options.model} answered {response.status_code}: we may not ask it", "")
        if response.status_code != 200:
            raise SourceError(f"model {self._options.model} answered {response.status_code}{_reason(body)}",
                              "look at the model server's log")  # fmt: skip
        return body

    def _goldens(self) -> list[Golden]:
        """The first `limit` requests of the golden file."""
        path = Path(self._options.golden)
        try:
            if path.stat().st_size > MOST_FILE_BYTES:
                raise SourceMalformed(
                    f"golden file {path} is larger than {MOST_FILE_BYTES >> 20} MiB", "pin fewer inputs"
                )
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise SourceError(f"golden file {path} cannot be read: {error.strerror}", "check its path") from None
        goldens = [_golden(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not goldens:
            raise SourceMalformed(f"golden file {path} is empty", "pin some inputs with the answers that are right")
        return goldens[: self._options.limit]


def _golden(path: Path, number: int, line: bytes) -> Golden:
    try:
        fields = orjson.loads(line)
        outputs = {str(output["name"]): [*_flat(output["data"])] for output in fields["outputs"]}
        if not fields["inputs"] or not outputs:
            raise ValueError("no inputs or no outputs")
        request = orjson.dumps({key: value for key, value in fields.items() if key not in NOT_SENT})
        return Golden(number, request, outputs, float(fields.get("tolerance", TOLERANCE)))
    except (ValueError, KeyError, TypeError) as error:
        why = f"golden file {path}, line {number}, is no request with its answers: {error}"
        raise SourceMalformed(why, LINE) from None


def _outputs(body: bytes) -> dict[str, list[Any]]:
    """The tensors of an answer, each flat: the protocol allows both nested and row-major data."""
    try:
        return {str(output["name"]): [*_flat(output["data"])] for output in orjson.loads(body)["outputs"]}
    except (ValueError, KeyError, TypeError):
        raise SourceMalformed(
            "the model server's answer is none of the Open Inference Protocol", "check the url"
        ) from None


def _flat(data: Any) -> Iterator[Any]:
    for item in data:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _difference(golden: Golden, answered: Mapping[str, Sequence[Any]]) -> tuple[float, str]:
    """The largest difference of any number, and in words the first that is beyond the tolerance."""
    largest, words = 0.0, ""
    for name, pinned in golden.outputs.items():
        got = answered.get(name)
        if got is None or len(got) != len(pinned):
            words = words or (
                f"{name} is gone" if got is None else f"{name} has {len(got)} values, pinned {len(pinned)}"
            )
            continue
        for was, now in zip(pinned, got, strict=True):
            difference = _apart(was, now)
            if difference > golden.tolerance:
                words = words or f"{name} is {_shown(now)}, pinned {_shown(was)}"
            if math.isfinite(difference):
                largest = max(largest, difference)
    return largest, words


def _apart(was: Any, now: Any) -> float:
    """How far two values are apart: infinitely where they are no numbers, or where one of them is missing."""
    if isinstance(was, (int, float)) and isinstance(now, (int, float)):
        return abs(now - was)
    return 0.0 if was == now else math.inf


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)[:60]


def _reason(body: bytes) -> str:
    """The `error` that the protocol puts into a refusal; cut short, for it comes from outside."""
    try:
        return f": {' '.join(str(orjson.loads(body)['error']).split())[:200]}"
    except (ValueError, KeyError, TypeError):
        return ""


def _open(name: str, options: OpenInferenceOptions) -> OpenInference:
    from console.sources.fetch import open_client  # here, so that commands that probe nothing do not load httpx

    return OpenInference(name, options, open_client(options.url))


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`http://host:port/v2/models/NAME?golden=PATH`."""
    parts = urlsplit(url)
    before, found, model = parts.path.partition("/v2/models/")
    golden = parse_qs(parts.query).get("golden")
    if parts.scheme not in ("http", "https") or not found or not golden:
        return None
    return {"url": f"{parts.scheme}://{parts.netloc}{before}", "model": model.strip("/"), "golden": golden[0]}


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """A probe of a live model."""
    title = "Golden inputs through a live model (Open Inference Protocol)"
    return (SourceType("open_inference", title, OpenInferenceOptions, _open, from_url=_from_url),)
