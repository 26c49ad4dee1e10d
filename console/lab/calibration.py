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

from aiohttp import web

from console.lab.cores import others, settle
from console.lab.leash import ready
from console.lab.traffic import GAINS

USUAL_SECONDS = 0.022
SPREAD = 0.15  # of the logarithm


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


def application(pace: Pace) -> web.Application:
    """The service."""
    chances = random.Random(5)

    async def gain(request: web.Request) -> web.Response:
        began = time.perf_counter()
        camera = request.match_info["camera"]
        if camera not in GAINS:
            raise web.HTTPNotFound(text=f"no camera {camera}")
        await asyncio.sleep(USUAL_SECONDS * pace.factor() * chances.lognormvariate(0, SPREAD))
        timing = f"lookup;dur={1000 * (time.perf_counter() - began):.3f}"
        return web.json_response({"gain": GAINS[camera]}, headers={"Server-Timing": timing})

    app = web.Application()
    app.router.add_get("/gain/{camera}", gain)
    return app


async def serve(app: web.Application, tell: Path) -> None:
    """Serve on a free port of loopback, and write it to `tell`."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
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
    options = parser.parse_args()
    settle(others(options.beside))
    folder: Path = options.folder
    asyncio.run(serve(application(Pace(folder / "calibration.pace")), folder / "calibration.port"))


if __name__ == "__main__":
    main()
