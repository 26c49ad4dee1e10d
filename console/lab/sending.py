"""The load: requests really sent over HTTP, as jittered as they came from the cameras, and what the answers took."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from console.lab.metrics import DEPENDENCY, FEEDER
from console.lab.registry import MODEL

ANSWER_SECONDS = 20.0
CLIENT_HEADER = "X-Client"  # who asks
MOST_CONNECTIONS = 64
PACE_SECONDS = 0.045  # of wall time in which one tick's requests are sent


@dataclass(frozen=True, slots=True)
class Timing:
    """What one answered request took, by the station's own clock, in seconds."""

    total: float
    inference: float
    dependency: float


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick of lab time measured."""

    end: float
    timings: tuple[Timing, ...]
    cpu: float  # seconds the station spent on a core
    waited: float  # and waited for one
    page: str  # its metrics page at the end
    memory: float = 0.0  # bytes that it holds


@dataclass(slots=True)
class Sender:
    """The open connections to a station."""

    url: str
    session: ClientSession

    @classmethod
    async def open(cls, url: str) -> Sender:
        """Connections are opened as they are needed."""
        connector = TCPConnector(limit=MOST_CONNECTIONS)
        return cls(url, ClientSession(connector=connector, timeout=ClientTimeout(total=ANSWER_SECONDS)))

    async def send(self, bodies: Sequence[bytes], offsets: Sequence[float], client: str = FEEDER) -> list[Timing]:
        """Send each body at its offset in [0, 1) of the pace; the timings of those that were answered."""
        headers = {CLIENT_HEADER: client}
        began = asyncio.get_running_loop().time()

        async def one(body: bytes, offset: float) -> Timing | None:
            wait = began + offset * PACE_SECONDS - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            async with self.session.post(f"{self.url}/v2/models/{MODEL}/infer", data=body, headers=headers) as response:
                await response.read()
                return timing(response.headers["Server-Timing"]) if response.status == 200 else None

        answers = await asyncio.gather(*map(one, bodies, offsets))
        return [answer for answer in answers if answer is not None]

    async def post(self, path: str, content: object) -> None:
        """Post JSON."""
        async with self.session.post(self.url + path, data=orjson.dumps(content)) as response:
            response.raise_for_status()

    async def page(self) -> str:
        """The station's metrics page."""
        async with self.session.get(f"{self.url}/metrics") as response:
            return await response.text()

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()


def timing(header: str) -> Timing:
    """A Server-Timing header read.

    >>> timing("total;dur=30.5, inference;dur=0.5, calibration;dur=25")
    Timing(total=0.0305, inference=0.0005, dependency=0.025)
    """
    spans = dict(part.strip().split(";dur=") for part in header.split(","))
    return Timing(*(float(spans[name]) / 1000 for name in ("total", "inference", DEPENDENCY)))
