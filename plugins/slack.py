"""The notifier kind `slack`: notices as Block Kit messages through an incoming webhook, whose address is the secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from console.model import Incident, Notice, NoticeOf, PlanRecord
from console.plugins import Notifier, hookimpl
from console.report.clean import clean
from console.sources.posting import AddressOptions, post

MOST_HEADER = 150  # characters; the API takes no more
MOST_SECTION = 2900  # of 3000
MOST_TITLE = 400
MOST_FINDING = 300
MOST_FINDINGS = 5
MOST_LABELS = 10
SAID: Mapping[NoticeOf, str] = {
    "opened": "is open", "cause": "has a likely cause", "closed": "is closed", "test": "this is a test",
    "second_operator": "waits for another operator", "break_glass": "was approved by one operator alone",
    "failed": "failed", "not_recovered": "did not help", "rolled_back": "was taken back",
    "unknown": "was begun, and nobody can tell whether it happened",
}  # fmt: skip


class SlackOptions(AddressOptions):
    """The address of the incoming webhook; best in `url_env`."""


async def notify(options: SlackOptions, notice: Notice) -> None:
    """One message; the errors of `post`."""
    await post(options, json.dumps(message(notice)).encode(), {"Content-Type": "application/json"})


def message(notice: Notice) -> dict[str, Any]:
    """The message: what happened, the likeliest cause with the findings it stands on, and how to see all of it."""
    whose = notice.plan.plan.title if notice.plan else notice.incident.subject if notice.incident else ""
    head = _plain(f"{notice.about} {SAID[notice.what]}: {whose}", MOST_HEADER)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}]
    blocks += [
        _section(lines)
        for lines in (_about(notice.incident), _cause(notice), _plan(notice.plan), _how(notice))
        if lines
    ]
    return {"text": escaped(head, MOST_HEADER), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def escaped(text: object, most: int) -> str:
    """Text from outside, cut, and without anything that Slack reads as a link, a mention or a command.

    `&`, `<` and `>` are all that it reads so (Slack, "Formatting text for app surfaces": escaping text).

    >>> escaped("<!channel> a & b", 80)
    '&lt;!channel&gt; a &amp; b'
    """
    return _plain(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: object, most: int) -> str:
    told = " ".join(clean(str(text)).split())
    return told if len(told) <= most else told[: most - 1] + "…"


def _section(lines: list[str]) -> dict[str, Any]:
    """Lines that are escaped already; those that there is no room for are left out whole, so that no entity is cut."""
    kept: list[str] = []
    room = MOST_SECTION
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append("…")
            break
        kept.append(line)
    return {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(kept), "verbatim": True}}


def _about(incident: Incident | None) -> list[str]:
    if incident is None:
        return []
    labels = ", ".join(f"{name}={value}" for name, value in incident.symptom.labels[:MOST_LABELS])
    owner = f"{incident.owner} looks after it" if incident.owner else ""
    return [escaped(each, MOST_TITLE) for each in (incident.title, labels, owner) if each]


def _cause(notice: Notice) -> list[str]:
    cause = notice.cause
    if cause is None:
        return ["Examined: no cause stands out."] if notice.diagnosis and notice.what != "opened" else []
    first = f"{min(100 * cause.probability, 99):.0f} %: {cause.title} ({cause.subject})"
    told = [escaped(f"{each.id} {each.text}", MOST_FINDING) for each in notice.cited[:MOST_FINDINGS]]
    return [f"*{escaped(first, MOST_TITLE)}*", *told]


def _plan(record: PlanRecord | None) -> list[str]:
    if record is None:
        return []
    plan = record.plan
    told = [f"{plan.risk} risk, for {plan.cause} of {plan.subject}, planned by {plan.operator}"]
    told += [f"{each.operator} approved it{': ' * bool(each.reason)}{each.reason}" for each in record.approvals]
    return [escaped(each, MOST_TITLE) for each in (*told, record.reason) if each]


def _how(notice: Notice) -> list[str]:
    return [escaped(each, MOST_TITLE) for each in (notice.command, notice.url) if each]


@hookimpl
def andon_notifiers() -> Iterable[Notifier]:
    """Ways to tell people."""
    return [Notifier("slack", "Messages to a Slack channel through an incoming webhook", SlackOptions, notify)]
