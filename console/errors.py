"""Every way andon can fail, and the exit code of each.

AndonError                 message: what happened; hint: what to do about it
├── UsageError          2  the command line, or something it names, is wrong
│   ├── ConfigError        the configuration cannot be read or has an unknown key
│   ├── PlaybookError      a playbook does not hold together; says file:line:column
│   ├── BundleError        a file is no bundle, a broken one or too big
│   └── DaemonRunning      a second daemon on one data folder
├── SourceError         4  a source that was needed did not answer
│   ├── SourceUnreached    nobody was there to hear it: nothing was asked
│   ├── SourceRefused      it understood what was asked, and did not do it
│   │   └── SourceMissing  it has no such thing
│   ├── SourceDenied       it answered that we may not
│   ├── SourceMalformed    it answered something that is not what it should be
│   ├── SourcePartial      it answered, but parts of what it is made of did not
│   ├── SourceBusy         it answered that it wants to be left alone for a while
│   └── DaemonUnreachable  no daemon, or it hung up
├── StoreError          4  the store cannot be used
│   ├── StoreTooNew        written by a newer andon
│   ├── StoreCorrupt       the file is damaged
│   └── StoreFull          the disk, or the cap, is full
├── PluginError         4  a plugin raised, hung or flooded, and was cut off
├── RemedyError         5  a change failed, or nobody can tell whether it was made
│   └── ActRefused         it was refused: nothing was changed
└── NoData              3  nothing to judge by
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """What the process says when it ends."""

    HEALTHY = 0
    PROBLEM = 1
    USAGE = 2
    INCONCLUSIVE = 3
    UNREACHABLE = 4
    REMEDY = 5
    INTERNAL = 70
    INTERRUPTED = 130


PRECEDENCE = (
    Exit.INTERNAL,
    Exit.INTERRUPTED,
    Exit.USAGE,
    Exit.REMEDY,
    Exit.PROBLEM,
    Exit.UNREACHABLE,
    Exit.INCONCLUSIVE,
    Exit.HEALTHY,
)


def worst(exits: Iterable[Exit]) -> Exit:
    """The one code to exit with when several hold; healthy when none does.

    >>> worst([Exit.HEALTHY, Exit.UNREACHABLE, Exit.PROBLEM])
    <Exit.PROBLEM: 1>
    """
    return min(exits, key=PRECEDENCE.index, default=Exit.HEALTHY)


class AndonError(Exception):
    """Anything an operator can be told in one sentence, with what to do about it in another."""

    exit: ClassVar[Exit] = Exit.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AndonError):
    """The command line, or something it names, is wrong."""

    exit = Exit.USAGE


class ConfigError(UsageError):
    """The configuration cannot be read or has a key nobody knows."""


class PlaybookError(UsageError):
    """A playbook does not hold together; the message starts with file:line:column."""


class BundleError(UsageError):
    """A file is no bundle, a broken one, one of a newer andon or too big."""


class DaemonRunning(UsageError):
    """A second daemon was started on one data folder."""


class SourceError(AndonError):
    """A source that was needed did not answer."""

    exit = Exit.UNREACHABLE


class SourceUnreached(SourceError):
    """Nobody was there to hear what was asked."""


class SourceRefused(SourceError):
    """The source understood what was asked, and did not do it."""


class SourceMissing(SourceRefused):
    """The source has no such thing."""


class SourceDenied(SourceError):
    """The source answered that we may not read it."""


class SourceMalformed(SourceError):
    """The source answered something that is not what it should be."""


class SourcePartial(SourceError):
    """It answered without some of its own parts: what is there is no basis for a verdict."""


class SourceBusy(SourceError):
    """It wants to be left alone for `seconds`."""

    def __init__(self, message: str, hint: str = "", seconds: float = 0.0) -> None:
        super().__init__(message, hint)
        self.seconds = seconds


class DaemonUnreachable(SourceError):
    """There is no daemon, or it hung up."""


class StoreError(AndonError):
    """The store cannot be used."""

    exit = Exit.UNREACHABLE


class StoreTooNew(StoreError):
    """The store was written by a newer andon."""


class StoreCorrupt(StoreError):
    """The store's file is damaged."""


class StoreFull(StoreError):
    """The disk, or the store's own cap, is full."""


class PluginError(AndonError):
    """A plugin raised, hung or flooded, and was cut off."""

    exit = Exit.UNREACHABLE


class RemedyError(AndonError):
    """A change failed, or nobody can tell whether it was made."""

    exit = Exit.REMEDY


class ActRefused(RemedyError):
    """What was to be changed refused it, or was never reached: for sure it was not done, nor will be."""


class NoData(AndonError):
    """There is nothing to judge by."""

    exit = Exit.INCONCLUSIVE


FAMILY: dict[str, type[AndonError]] = {
    kind.__name__: kind
    for kind in (
        AndonError, UsageError, ConfigError, PlaybookError, BundleError, DaemonRunning, SourceError, SourceUnreached,
        SourceRefused, SourceMissing, SourceDenied,
        SourceMalformed, SourcePartial, SourceBusy, DaemonUnreachable, StoreError, StoreTooNew, StoreCorrupt, StoreFull,
        PluginError, RemedyError, ActRefused, NoData,
    )
}  # fmt: skip
