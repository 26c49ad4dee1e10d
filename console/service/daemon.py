"""The daemon: one per data folder. It collects, keeps the store, watches the triggers and answers on its socket."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from console.config import Config
from console.errors import AndonError, ConfigError
from console.report.clean import clean
from console.service.address import listen, socket_path
from console.service.alert_look import ROUND_SECONDS as ALERTS_SECONDS
from console.service.alerting import ROUND_SECONDS as ALERTING_SECONDS
from console.service.board import status
from console.service.connection import Desk
from console.service.drifting import ROUND_SECONDS as DRIFT_SECONDS
from console.service.house import SHOW_SECONDS, House
from console.service.opening import open_house
from console.service.operation import Operation
from console.service.operations import all_operations
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.service.remedying import ROUND_SECONDS as REMEDIES_SECONDS
from console.service.reports import write_report
from console.service.running import EXPIRE_SECONDS
from console.service.server import Server
from console.store.retention import Retention

log = logging.getLogger("andon.daemon")

COMMIT_SECONDS = 1.0  # what a killed daemon may lose of its samples
SETTINGS_SECONDS = 5.0  # from one look at the configuration file to the next
COMPACT_SECONDS = 600.0
CHECKUP_SECONDS = 60.0
REST_SECONDS = 1.0  # after a part of the daemon failed; twice that the next time …
MOST_REST_SECONDS = 60.0

Part = tuple[float, Callable[[], Awaitable[object]]]
"""(seconds from one start to the next, the work)"""


def serve(config: Config) -> None:
    """Run the daemon until SIGTERM or `stop`; SIGINT raises KeyboardInterrupt once everything is put away.

    Raises DaemonRunning when the folder has one, and StoreError when its store cannot be used.
    """
    os.umask(0o077)  # whatever the daemon writes is its owner's alone
    _travel_light()
    _log_to_stderr()
    if asyncio.run(_live(config)) == signal.SIGINT:
        raise KeyboardInterrupt


def _travel_light() -> None:
    """Leave behind what a daemon has no use for: httpx's own command line brings rich and pygments, 6 MB of them."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # which makes its import an ImportError


class _CleanFormatter(logging.Formatter):
    """One line a record: names and reasons come from outside, and must not steer the terminal that shows the log."""

    def format(self, record: logging.LogRecord) -> str:
        return clean(" ".join(super().format(record).split("\n")))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_CleanFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for every scrape tells nobody anything


async def _live(config: Config) -> int | None:
    """Open the house, serve, and put everything away; the signal that ended it, if one did."""
    ended_by: list[int] = []
    async with open_house(config) as house:
        loop = asyncio.get_running_loop()

        def end(number: signal.Signals) -> None:
            ended_by.append(number)
            house.stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end, number)
        async with _listening(house):
            print(f"andon daemon ready on {socket_path(config.data)}", file=sys.stderr, flush=True)  # noqa: T201
            parts = [
                asyncio.create_task(_go_on(house, name, seconds, work), name=name)
                for name, (seconds, work) in _parts(house).items()
            ]
            await _attempt(house, "resume", house.watch.resume)
            await _attempt(house, "remedies", house.remedying.resume)
            await house.stopping.wait()
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
    return ended_by[0] if ended_by else None


@asynccontextmanager
async def _listening(house: House) -> AsyncIterator[None]:
    desk = Desk(house.config.data, {}, {"board": house.board})
    server = Server(desk)

    async def how_it_is(_arguments: Nothing, _peer: Peer) -> object:
        return await status(house, clients=server.clients)

    desk.operations = {**all_operations(house), "status": Operation("status", Nothing, how_it_is)}
    path = socket_path(house.config.data)
    await server.listen(listen(path, house.config.socket_group))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        await server.close()


def _parts(house: House) -> dict[str, Part]:
    """What goes on for ever, each at its own pace: one that is held up holds up no other."""

    async def collect() -> None:
        await house.collector.round(patience=house.config.interval)
        await house.writer.commit()
        house.board.touch()

    async def compact() -> None:
        retention = Retention(house.config.retention_days, house.config.store_megabytes)
        await house.writer.compact(house.clock(), retention)

    parts: dict[str, Part] = {"commit": (COMMIT_SECONDS, house.writer.commit), "compact": (COMPACT_SECONDS, compact)}
    parts["checkups"] = (CHECKUP_SECONDS, house.checkups.round)
    parts["drift"] = (DRIFT_SECONDS, house.drifts.round)
    parts["expire"] = (EXPIRE_SECONDS, lambda: house.running.expire(house.clock()))
    parts["alerting"] = (ALERTING_SECONDS, house.alerting.round)
    parts["alerts"] = (ALERTS_SECONDS, house.alert_look.round)
    if house.config.interval > 0:
        parts["remedies"] = (REMEDIES_SECONDS, house.remedying.round)
        parts["collect"] = (house.config.interval, collect)
        parts["timeline"] = (house.config.interval, lambda: house.timeline.copy(house.clock()))
        parts["watch"] = (house.config.interval, house.look)
    parts["show"] = (SHOW_SECONDS, house.show)
    parts["settings"] = (SETTINGS_SECONDS, _settings_check(house.config.path))
    return parts


def _settings_check(path: Path | None) -> Callable[[], Awaitable[None]]:
    """A part that says when the configuration is another one than the daemon began with."""
    began = _signature(path)

    async def check() -> None:
        if await asyncio.to_thread(_signature, path) != began:
            raise ConfigError(
                f"{path} was changed, and this daemon still works by what it was: restart it "
                f"(`:` and restart, or `andon daemon --stop`)"
            )

    return check


def _signature(path: Path | None) -> tuple[int, int] | None:
    try:
        return None if path is None else ((found := path.stat()).st_mtime_ns, found.st_size)
    except OSError:
        return None


async def _go_on(house: House, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work every so many seconds. However it fails it is done again, after a rest that doubles each time."""
    loop = asyncio.get_running_loop()
    rest = REST_SECONDS
    while True:
        started = loop.time()
        if await _attempt(house, name, work):
            rest = REST_SECONDS
            await asyncio.sleep(max(0.0, started + seconds - loop.time()))
        else:
            house.board.touch()
            await asyncio.sleep(rest)
            rest = min(2 * rest, MOST_REST_SECONDS)


async def _attempt(house: House, name: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Whether the work was done; if not, `status` says why. One mistake is reported once, however often it is made."""
    before = house.troubles.get(name, "")
    try:
        await work()
    except AndonError as error:
        trouble = f"{name}: {error.message}"
    except Exception as error:  # noqa: BLE001 - a mistake in one part must not end the others
        trouble = f"{name}: {type(error).__name__}: {error}"
        if trouble != before:
            log.error("%s", write_report(house.config.data, f"the daemon's part {name} was at work", error).hint)
    else:
        house.troubles[name] = ""
        return True
    if trouble != before:
        log.error("%s", trouble)
    house.troubles[name] = trouble
    return False
