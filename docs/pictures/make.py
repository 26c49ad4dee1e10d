"""The README's pictures of the console: the real one, on the practice line where black gloves have come.

    python docs/pictures/make.py

Beside the line's own model the daemon watches a stand-in for a GPU driver (one of its eight GPUs is broken) and a
made-up LLM server, so that every panel has something to show. Writes board.svg and triage.svg beside itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]
os.environ.pop("NO_COLOR", None)
os.environ.update(ANDON_THEME="dark", COLORTERM="truecolor", TERM="xterm-256color")  # wherever it is run

from _estate import past, wait  # noqa: E402
from _world import page  # noqa: E402
from fakenvml import build, play  # noqa: E402

from console.lab.demo import SEED, STORY  # noqa: E402
from console.lab.episode import find_fault  # noqa: E402
from console.lab.line import Line  # noqa: E402
from console.tui.app import Console  # noqa: E402
from console.tui.screens.sheet import Sheet  # noqa: E402

BOARD, TRIAGE = (150, 30), (150, 40)  # columns and rows
BEFORE, AFTER, MOST = 40, 2, 60  # ticks of the line: before the gloves, after the incident is examined, and waiting
BROKEN_GPU = 5
SETTLE = 1.0  # seconds for the answers to come
SOURCES = """
[sources.gpus]
kind = "nvml"
kernel_log = ""

[sources.serving]
kind = "metrics"
url = "http://127.0.0.1:{port}/metrics"
"""
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="andon-pictures-") as temporary:
        folder = Path(temporary)
        with Line(folder / "line", SEED, on_progress=print) as line, serving(line.plant.clock.now) as port:
            watch_more(line, build(folder / "nvml"), port)
            incident = break_it(line)
            print(f"drawing {incident}")
            asyncio.run(draw(line, incident))


def watch_more(line: Line, driver: Path, port: int) -> None:
    """Another daemon in the place of the line's own, which also watches the GPUs and the LLM server."""
    play(driver, fault=BROKEN_GPU)
    line.config.write_text(line.config.read_text() + SOURCES.format(port=port))
    line.client.request("stop")
    time.sleep(2)
    arguments = ("--config", str(line.config), "--data", str(line.data), "daemon")
    line.plant.leash.start("console.cli", *arguments, environment={"LD_LIBRARY_PATH": str(driver)})
    wait(line.client)
    for part in past(line.plant.clock.now()):
        line.client.request("ingest", source="serving", page=part, timeout=60)


def break_it(line: Line) -> str:
    """Bring the gloves; the incident that is about them, once it is examined."""
    for _ in range(BEFORE):
        line.tick()
    fault = find_fault(STORY)
    fault.inject(line.plant, fault.draw(line.plant.rng))
    for _ in range(MOST):
        line.tick()
        for incident in line.client.request("incident.list"):
            if incident["runs"] and line.diagnosis(incident["id"]).causes:
                for _ in range(AFTER):
                    line.tick()
                return str(incident["id"])
    raise SystemExit("andon did not notice the gloves")


async def draw(line: Line, incident: str) -> None:
    """Both screens, as somebody would see them while the line goes on."""
    await draw_one(line, BOARD, "board", is_looked_at)
    await draw_one(line, TRIAGE, "triage", has_pictures, incident=incident)


async def draw_one(
    line: Line, size: tuple[int, int], name: str, is_ready: Callable[[Console], bool], *, incident: str = ""
) -> None:
    """One screen, once it is ready; until then the cursor goes down, row by row."""
    app = Console(line.client, lambda: None, incident=incident)
    async with app.run_test(size=size) as pilot:
        for _ in range(MOST):
            await asyncio.to_thread(line.tick)
            await pilot.pause(SETTLE)
            if is_ready(app):
                break
            if incident:
                await pilot.press("j")
        path = Path(__file__).with_name(f"{name}.svg")
        path.write_text(without_fonts(app.export_screenshot(title="andon")))
        print(path)
        await pilot.press("q")


def is_looked_at(app: Console) -> bool:
    """Whether the board says what drifted."""
    rows = app.picture.board.get("drift") or ()
    return any(row.get("columns") for row in rows)


def has_pictures(app: Console) -> bool:
    """Whether the cursor is on a column that drifted, the gloves then and now beside it."""
    assert isinstance(app.screen, Sheet)
    return any("mean moved by" in text for text in app.screen.text())


def without_fonts(svg: str) -> str:
    """The picture in a font of whoever looks at it, instead of one that is fetched from afar."""
    svg = re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONT}", svg)


@contextmanager
def serving(now: Callable[[], float]) -> Iterator[int]:
    """The made-up LLM server's port; its page is of the line's own time."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page(now()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
