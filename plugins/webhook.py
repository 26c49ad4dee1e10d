"""The notifier kind `webhook`: every notice as one JSON POST, signed, so that its receiver can tell a forgery."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from console.model import Incident, Notice, PlanRecord
from console.plugins import Notifier, hookimpl
from console.sources.posting import AddressOptions, post, secret_of
from console.sources.site import VariableName

SCHEMA = "andon.notice/v1"
MOST_FINDINGS = 20
MOST_CAUSES = 5


class WebhookOptions(AddressOptions):
    """Where to, and what signs it."""

    secret_env: VariableName | None = None  # the environment variable that holds the key of the signature


def signature(key: str, moment: str, body: bytes) -> str:
    """What stands in `X-Andon-Signature`: HMAC-SHA256 of `MOMENT.BODY`, so that an old message cannot be sent again."""
    return "sha256=" + hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


async def notify(options: WebhookOptions, notice: Notice) -> None:
    """One POST; the errors of `post`."""
    body = json.dumps(message(notice), separators=(",", ":")).encode()
    moment = f"{notice.time:.0f}"
    headers = {
        "Content-Type": "application/json",
        "X-Andon-Delivery": f"{notice.about}/{notice.what}",
        "X-Andon-Timestamp": moment,
    }
    if options.secret_env is not None:
        headers["X-Andon-Signature"] = signature(secret_of(options.secret_env), moment, body)
    await post(options, body, headers)


def message(notice: Notice) -> dict[str, Any]:
    """The notice as plain JSON types."""
    diagnosis = notice.diagnosis
    return {
        "schema": SCHEMA,
        "what": notice.what,
        "time": notice.time,
        "command": notice.command,
        "url": notice.url,
        "incident": notice.incident and _incident(notice.incident),
        "plan": notice.plan and _plan(notice.plan),
        "verdict": diagnosis and str(diagnosis.verdict),
        "causes": [
            {"id": cause.id, "playbook": cause.playbook, "title": cause.title, "subject": cause.subject,
             "probability": cause.probability, "evidence": list(cause.evidence)}
            for cause in (diagnosis.causes if diagnosis else ())[:MOST_CAUSES]
        ],
        "findings": [{"id": each.id, "text": each.text} for each in notice.cited[:MOST_FINDINGS]],
    }  # fmt: skip


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "title": incident.title,
        "state": incident.state,
        "subject": incident.subject,
        "owner": incident.owner,
        "opened": incident.opened,
        "closed": incident.closed,
        "labels": dict(incident.symptom.labels),
    }


def _plan(record: PlanRecord) -> dict[str, Any]:
    plan = record.plan
    return {
        "id": record.id,
        "title": plan.title,
        "state": record.state,
        "reason": record.reason,
        "hash": record.hash,
        "action": plan.act.action,
        "target": plan.act.target,
        "risk": plan.risk,
        "cause": plan.cause,
        "subject": plan.subject,
        "incident": plan.incident,
        "operator": plan.operator,
        "expires": plan.expires,
        "approvers": record.approvers,
        "approvals": [
            {"operator": each.operator, "time": each.time, "reason": each.reason, "is_break_glass": each.is_break_glass}
            for each in record.approvals
        ],
    }


@hookimpl
def andon_notifiers() -> Iterable[Notifier]:
    """Ways to tell people."""
    return [Notifier("webhook", "A signed JSON POST to an address of yours", WebhookOptions, notify)]
