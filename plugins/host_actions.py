"""The actuator kind `host`: this machine's units, runaway processes, and commands that its operators have listed.

Nothing is allowed that the actuator's table does not list, and no shell is ever asked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from console.plugins import ActionType, ActuatorType, hookimpl

HOLE = re.compile(r"\{(\w+)\}")


def _argv(words: list[str]) -> list[str]:
    if not words or HOLE.search(words[0]):
        raise ValueError("a command is a program and its arguments; the program is no hole")
    return words


class HostActuatorOptions(BaseModel):
    """What may be done here."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default_factory=socket.gethostname)  # what remedies call this machine
    units: list[str] = []  # names or globs of units that may be restarted
    processes: list[str] = []  # names or globs of programs that may be ended
    commands: dict[str, Annotated[list[str], AfterValidator(_argv)]] = {}  # name -> program and arguments, with {holes}
    timeout: float = Field(default=30.0, gt=0, le=45.0)  # of a command, seconds


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str | None = None


class Unit(_Options):
    """A unit of systemd."""

    unit: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9@._:\\-]+$")


class Process(_Options):
    """A process: by its number, by its program's name, or the busiest of those that may be ended."""

    pid: int | None = Field(None, gt=1)
    name: str | None = Field(None, min_length=1, max_length=253)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.pid is not None and self.name is not None:
            raise ValueError("give pid or name, not both")
        return self


class Command(_Options):
    """A command by its name in the actuator's table; what else is said fills its holes."""

    model_config = ConfigDict(extra="allow")

    command: str = Field(min_length=1, max_length=100)


ACTIONS = (
    ActionType("host.restart_unit", "Restart a unit of systemd", Unit),
    ActionType("host.kill_process", "End a process", Process),
    ActionType("host.command", "Run a command that the host's table lists", Command),
)


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """What can be done to a host."""
    return ACTIONS


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """The machine that andon runs on."""
    names = tuple(each.name for each in ACTIONS)
    inside = "andon_plugins._host_acts:open_acts"
    return [
        ActuatorType("host", "This machine", HostActuatorOptions, _open, names, isolated=True, inside=inside),
    ]


def _open(_name: str, options: HostActuatorOptions) -> Any:
    from andon_plugins._host_acts import open_acts

    return open_acts(_name, **options.model_dump())
