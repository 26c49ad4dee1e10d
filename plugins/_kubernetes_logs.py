"""The last lines of a few pods, the worst first: bounded in pods, bytes and time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from andon_plugins._kubernetes_door import Door
from andon_plugins._kubernetes_records import Pod, epoch

from console.errors import SourceError
from console.model import Labels, LogLine
from console.sources.log_lines import written
from console.sources.types import LogRequest

MOST_PODS = 8
MOST_CONTAINERS = 2  # of each
MOST_BYTES = 512 << 10  # of each container
SECONDS = 5.0  # all together: who asks waits a little longer
SLACK_SECONDS = 1.0  # sinceTime knows whole seconds only
"""The labels of a request that say which pods: the others are none of ours."""
KNOWN = ("namespace", "workload", "service", "model", "pod", "host")


def wanted(pods: Iterable[Pod], where: Labels) -> list[Pod]:
    """The pods that a request is about, those in trouble first, then those that died, then the youngest."""
    asked = {name: value for name, value in where if value and name in KNOWN}
    fitting = [pod for pod in pods if all(_label(pod, name) == value for name, value in asked.items())]
    return sorted(fitting, key=lambda pod: (not pod.waiting, pod.is_ready, -pod.restarts, -pod.created))


def lines(door: Door, pods: Sequence[Pod], request: LogRequest) -> list[LogLine]:
    """Lines of those pods within the span. Raises SourceError where not one of them could be read."""
    deadline = time.monotonic() + SECONDS
    chosen = [(pod, container) for pod in pods[:MOST_PODS] for container in pod.containers[:MOST_CONTAINERS]]
    found: list[LogLine] = []
    troubles: list[SourceError] = []
    answered = False
    for pod, container in chosen:
        # What a crashed container said last is what matters, and it said that before it was started anew.
        for previous in (True, False) if pod.restarts else (False,):
            if time.monotonic() > deadline:
                break
            try:
                text = _read(door, pod, container, request, previous=previous, share=max(1, len(chosen)))
            except SourceError as error:  # it never started, or its node is away
                troubles.append(error)
                continue
            answered = True
            found += _within(text, pod, request)
    if troubles and not answered:
        raise troubles[0]
    found.sort(key=lambda line: line.time)
    return found[-request.most :]


def _read(door: Door, pod: Pod, container: str, request: LogRequest, *, previous: bool, share: int) -> str:
    since = datetime.fromtimestamp(max(0.0, request.span.start - SLACK_SECONDS), UTC)
    params = {
        "container": container, "timestamps": "true", "sinceTime": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "limitBytes": str(MOST_BYTES), "tailLines": str(max(1, request.most // share)),
    } | ({"previous": "true"} if previous else {})  # fmt: skip
    path = f"/api/v1/namespaces/{pod.owner.namespace}/pods/{pod.name}/log"
    return door.text(path, params, most=MOST_BYTES, cut=True).decode(errors="replace")


def _within(text: str, pod: Pod, request: LogRequest) -> Iterable[LogLine]:
    words = request.words.casefold()
    for line in text.splitlines():
        stamp, _space, body = line.partition(" ")
        moment = epoch(_micros(stamp))
        if request.span.start <= moment < request.span.end and words in body.casefold():
            said = written(body, UTC, moment)
            yield LogLine(moment, pod.owner.name, said.severity, said.body, said.trace)


def _micros(stamp: str) -> str:
    """The runtime counts nanoseconds, which a date of Python's does not."""
    whole, point, rest = stamp.rstrip("Z").partition(".")
    return f"{whole}{point}{rest[:6]}+00:00" if stamp.endswith("Z") else stamp


def _label(pod: Pod, name: str) -> str:
    return {"namespace": pod.owner.namespace, "workload": pod.owner.name, "service": pod.owner.name,
            "model": pod.model, "pod": pod.name, "host": pod.node}[name]  # fmt: skip
