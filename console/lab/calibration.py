"""What the station depends on: a small service that knows the gain of every camera, and takes its time to say it.

GET /gain/cam-a   ->   {"gain": 1.0}      Server-Timing: lookup;dur=24.8   (milliseconds, W3C Server Timing)
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web

from console.lab.cores import others, settle
from console.lab.leash import ready
from console.lab.traffic import GAINS

USUAL_SECONDS = 0.022
SPREAD = 0.15  # of the logarithm
REFERENCE = "reference"  # the camera in the laboratory that golden inputs are taken with
KNOWN = GAINS | {REFERENCE: 1.0}


@dataclass(slots=True)
class Pace:
    """How slow the service is at present: a file that a fault writes."""

    path: Path
    _changed: int = 0
    _factor: float = 1.0

    def factor(self) -> float:
        """1 on a healthy day."""
        try:
            changed = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 1.0
        if changed != self._changed:
            self._changed, self._factor = changed, float(self.path.read_text())
        return self._factor


def gains(folder: Path) -> dict[str, float]:
    """Of every camera, as it was last calibrated: a file that a fault writes says otherwise of some."""
    try:
        said: dict[str, float] = orjson.loads((folder / "calibration.gains").read_bytes())
    except FileNotFoundError:
        said = {}
    return KNOWN | said


def failing(folder: Path) -> float:
    """The share of questions that it cannot answer at present: a file that a fault writes."""
    try:
        return float((folder / "calibration.failing").read_text())
    except FileNotFoundError:
        return 0.0


def application(folder: Path) -> web.Application:
    """The service."""
    chances = random.Random(5)
    pace = Pace(folder / "calibration.pace")

    async def gain(request: web.Request) -> web.Response:
        began = time.perf_counter()
        camera = request.match_info["camera"]
        if camera not in KNOWN:
            raise web.HTTPNotFound(text=f"no camera {camera}")
        if chances.random() < failing(folder):
            raise web.HTTPServiceUnavailable(text="no connection to the calibration store")
        await asyncio.sleep(USUAL_SECONDS * pace.factor() * chances.lognormvariate(0, SPREAD))
        timing = f"lookup;dur={1000 * (time.perf_counter() - began):.3f}"
        return web.json_response({"gain": gains(folder)[camera]}, headers={"Server-Timing": timing})

    app = web.Application()
    app.router.add_get("/gain/{camera}", gain)
    return app


async def serve(app: web.Application, tell: Path, port: int = 0) -> None:
    """Serve on a port of loopback, a free one unless given, and write it to `tell`."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    ready(tell, str(runner.addresses[0][1]))
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Run the service until the lab ends."""
    parser = argparse.ArgumentParser(description="the practice line's calibration service")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--beside", type=int, default=None, help="the station's core, to keep off")
    parser.add_argument("--port", type=int, default=0, help="a free one unless given")
    options = parser.parse_args()
    settle(others(options.beside))
    folder: Path = options.folder
    asyncio.run(serve(application(folder), folder / "calibration.port", options.port))


if __name__ == "__main__":
    main()
