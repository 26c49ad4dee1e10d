"""A line that stands in the background, for hands-on practice: `andon lab up`, break it, look, heal it, `down`.

Its folder (0700) holds everything: `state.json` says what is going on, `wish.json` is how a command asks for something.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

import console
from console.errors import AndonError, UsageError
from console.lab.clock import TICK
from console.lab.episode import find_fault
from console.lab.leash import ready
from console.lab.line import Line, place_of
from console.lab.manifest import expected
from console.plugins import LabFault
from console.wire import dump, encode, load

UP_SECONDS = 60.0
WISH_SECONDS = 30.0
DOWN_SECONDS = 10.0
LOOK_SECONDS = 0.05
USUAL_SPEED = 15.0  # one collection a second
LASTS = 4 * 3600.0  # seconds of lab time: a quarter of an hour at the usual speed


@dataclass(frozen=True, slots=True)
class Standing:
    """A line that stands, as its folder says."""

    folder: Path
    process: int
    data: Path  # of its daemon: `andon --data …`
    config: Path
    now: float  # lab time
    place: str = "vision"
    fault: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    heard: int = 0  # wishes so far
    refused: str = ""  # why the last one was not granted


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    fault: str | None = None  # None: heal
    parameters: Mapping[str, Any] = field(default_factory=dict)
    down: bool = False


def up(folder: Path, *, seed: int = 1, place: str = "vision", speed: float = USUAL_SPEED) -> Standing:
    """Start a place of the line and wait until a daemon watches it. UsageError when one stands there already."""
    place_of(place)
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _stands(folder):
        raise UsageError(
            f"a line already stands in {folder}", f"end it with `{command('down', folder)}`, or give another folder"
        )
    for name in ("state.json", "wish.json"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "line", ignore_errors=True)  # an earlier line's past is not this one's
    package = str(Path(console.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with (folder / "standing.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [
                sys.executable,
                "-P",
                "-m",
                "console.lab.standing",
                str(folder),
                "--seed",
                str(seed),
                "--place",
                place,
                "--speed",
                str(speed),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    deadline = time.monotonic() + UP_SECONDS
    try:
        while (standing := look(folder)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AndonError(f"the line in {folder} did not start", f"see {folder / 'standing.log'}")
            time.sleep(LOOK_SECONDS)
    except BaseException:
        process.kill()  # given up, or interrupted: what did not come to stand is not left behind
        process.wait()
        raise
    process.returncode = 0  # it lives on by itself: no warning that a child was left behind
    return standing


def command(does: str, folder: Path) -> str:
    """What to type to have it done to the line in this folder, wherever it stands.

    >>> command("down", Path("/tmp/my line"))
    "andon lab down --dir '/tmp/my line'"
    """
    return f"andon lab {does} --dir {shlex.quote(str(folder))}"


def look(folder: Path) -> Standing | None:
    """What stands in a folder; None where nothing does."""
    try:
        return load(Standing, orjson.loads((folder / "state.json").read_bytes())) if _stands(folder) else None
    except FileNotFoundError:
        return None


def inject(folder: Path, fault: str, parameters: Mapping[str, Any] | None = None) -> Standing:
    """Break the line; parameters that are not given are drawn at random."""
    return _ask(folder, fault=fault, parameters=dict(parameters or {}))


def heal(folder: Path) -> Standing:
    """Undo the present fault."""
    return _ask(folder)


def down(folder: Path) -> None:
    """End the line and everything it started."""
    standing = _standing(folder)
    _write(folder, _Wish(standing.heard + 1, down=True))
    deadline = time.monotonic() + DOWN_SECONDS
    while _stands(folder):
        if time.monotonic() > deadline:
            os.kill(standing.process, signal.SIGKILL)  # what it started ends with it
            break
        time.sleep(LOOK_SECONDS)


def _ask(folder: Path, **wish: Any) -> Standing:
    number = _standing(folder).heard + 1
    _write(folder, _Wish(number, **wish))
    deadline = time.monotonic() + WISH_SECONDS
    while (standing := _standing(folder)).heard < number:
        if time.monotonic() > deadline:
            raise AndonError(f"the line in {folder} does not answer", f"see {folder / 'standing.log'}")
        time.sleep(LOOK_SECONDS)
    if standing.refused:
        raise UsageError(standing.refused, "`andon lab list` shows the faults and their parameters")
    return standing


def _standing(folder: Path) -> Standing:
    standing = look(folder)
    if standing is None:
        raise UsageError(f"no line stands in {folder}", f"start one with `{command('up', folder)}`")
    return standing


def _write(folder: Path, wish: _Wish) -> None:
    ready(folder / "wish.json", encode(dump(wish)).decode())


def _stands(folder: Path) -> bool:
    """Whether a living process holds the folder's lock."""
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


# ── the process in the background ────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Keeper:
    """Ticks the line, and grants wishes between two ticks."""

    folder: Path
    line: Line
    present: LabFault | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    heard: int = 0
    refused: str = ""

    def grant(self, wish: _Wish) -> None:
        """Do what was asked, or say why not."""
        self.heard, self.refused = wish.number, ""
        try:
            fault = find_fault(wish.fault) if wish.fault else None
            if fault and fault.place != self.line.place:
                raise UsageError(f"{fault.name} breaks place {fault.place}; here stands {self.line.place}")
            drawn = dict(fault.draw(self.line.plant.rng)) if fault else {}
            if unknown := set(wish.parameters) - set(drawn):
                raise UsageError(f"{wish.fault} has no parameter {sorted(unknown)[0]!r}")
        except UsageError as error:
            self.refused = error.message
            return
        self.line.mending.heal()
        self.present, self.parameters = fault, {**drawn, **wish.parameters}
        if fault:
            self.line.mending.inject(fault, self.parameters)

    def tell(self) -> None:
        """Write down how things are."""
        state = Standing(
            self.folder,
            os.getpid(),
            self.line.data,
            self.line.config,
            self.line.plant.clock.now(),
            self.line.place,
            self.present.name if self.present else None,
            self.parameters,
            expected(self.present.expect, self.parameters) if self.present else {},
            self.heard,
            self.refused,
        )
        ready(self.folder / "state.json", encode(dump(state)).decode())

    def keep(self, speed: float) -> None:
        """Until somebody says `down`."""
        while True:
            until = time.monotonic() + TICK / speed
            self.line.tick()
            self.tell()
            while True:  # at least one look, however fast the line runs
                wish = self._wish()
                if wish is not None and wish.down:
                    return
                if wish is not None:
                    self.grant(wish)
                    self.tell()
                if time.monotonic() >= until:
                    break
                time.sleep(LOOK_SECONDS)

    def _wish(self) -> _Wish | None:
        try:
            wish = load(_Wish, orjson.loads((self.folder / "wish.json").read_bytes()))
        except FileNotFoundError:
            return None
        return wish if wish.number > self.heard else None


def main() -> None:
    """Stand until told to go down, or ended."""
    parser = argparse.ArgumentParser(description="a practice line in the background")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--place", required=True)
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    folder: Path = options.folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with Line(folder / "line", options.seed, lasts=LASTS, place=options.place) as line:
            _Keeper(folder, line).keep(options.speed)


if __name__ == "__main__":
    main()
