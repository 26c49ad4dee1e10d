"""Whose process it is, what it runs and in which container: read from /proc, where that may be read."""

from __future__ import annotations

import pwd
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from console.report.clean import clean
from console.sources.redact import ADDRESS, KEY_LIKE, MASK, SECRET_NAME, USERINFO

MOST_BYTES = 8192  # read of any file of /proc
MOST_CHARACTERS = 160  # of a command
MOST_OF_A_WORD = 256  # looked at for secrets: the patterns take long over long words
CONTAINER_LETTERS = 12  # of its id, as `docker ps` and `crictl ps` show it

# docker-<id>.scope, cri-containerd-<id>.scope, crio-<id>.scope, libpod-<id>.scope, :cri-containerd:<id>, /docker/<id>
CONTAINER = re.compile(r"[-/:]([0-9a-f]{64})(?=$|[./:])", re.MULTILINE)
POD = re.compile(r"\bpod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})\b", re.IGNORECASE)

ASSIGNED = re.compile(r"([\w.-]+)([\"']?\s*[=:]\s*[\"']?)([^\s;&,\"']+)")
BEARER = re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Owner:
    """What /proc tells of a process; what it does not is empty."""

    user: str = ""
    command: str = ""
    container: str = ""
    pod: str = ""


def owner(pid: int, proc: Path) -> Owner:
    """The owner of a process: an empty one where it is gone, or not for us to see."""
    folder = proc / str(pid)
    groups = _read(folder / "cgroup")
    return Owner(_user(folder), command_shown(_read(folder / "cmdline")), *container_and_pod(groups))


def container_and_pod(groups: str) -> tuple[str, str]:
    """The container's short id and the pod's uid in a process's cgroup file, of either version; empty for none.

    >>> container_and_pod("0::/kubepods.slice/kubepods-pod0a1b2c3d_0000_4000_8000_00000000000f.slice/x")
    ('', '0a1b2c3d-0000-4000-8000-00000000000f')
    """
    containers, pods = CONTAINER.findall(groups), POD.findall(groups)
    uid = pods[-1].replace("_", "-") if pods else ""
    return containers[-1][:CONTAINER_LETTERS] if containers else "", uid


def command_shown(line: str) -> str:
    r"""A command line of /proc as it may be shown: short, without the folder of its program, secrets masked.

    >>> command_shown("/usr/bin/python3\0serve.py\0--api-key\0abc\0")
    'python3 serve.py --api-key •••'
    """
    program, *arguments = line.rstrip("\0").split("\0")[:MOST_CHARACTERS]
    shown = [program.rpartition("/")[2]]
    for before, word in pairwise(["", *arguments]):
        is_secret = before.startswith("-") and "=" not in before and SECRET_NAME.search(before)
        shown.append(MASK if is_secret else _masked(word[:MOST_OF_A_WORD]))
    return clean(" ".join(" ".join(shown).split()), limit=MOST_CHARACTERS)


def _masked(word: str) -> str:
    word = BEARER.sub(rf"\1 {MASK}", USERINFO.sub(f"{MASK}@", word))
    word = ASSIGNED.sub(lambda found: f"{found[1]}{found[2]}{MASK}" if SECRET_NAME.search(found[1]) else found[0], word)
    return KEY_LIKE.sub(MASK, ADDRESS.sub(MASK, word))


def _user(folder: Path) -> str:
    try:
        uid = folder.stat().st_uid
    except OSError:
        return ""
    try:
        return clean(pwd.getpwuid(uid).pw_name, limit=32)
    except KeyError:  # a user of a container that this host does not know
        return str(uid)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
