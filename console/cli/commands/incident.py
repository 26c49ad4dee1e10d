"""`andon incident`: what is open, what is known about it, who has it."""

from __future__ import annotations

import shlex
from typing import Any

import click

from console.cli.commands.incident_bundle import export, import_
from console.cli.session import Group, Session
from console.errors import Exit, UsageError


@click.group(cls=Group)
def incident() -> None:
    """Open, list, show, answer, examine, note, acknowledge, close, export and import incidents."""


incident.add_command(export)
incident.add_command(import_)


@incident.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.pass_obj
def list_(session: Session, everything: bool) -> None:
    """Incidents that are not closed, newest first."""
    from console import words
    from console.report.tables import columns

    incidents = session.client.request("incident.list", all=everything)
    rows = [
        (item["id"], item["state"], words.instant(item["opened"]), item["owner"] or "–", item["subject"], item["title"])
        for item in incidents
    ]
    headings = ["id", "state", "opened", "owner", "subject", "title"]
    session.emit_shape(incidents, lambda: columns(headings, rows, empty="no incident is open"))


@incident.command(name="open", short_help="Pull the cord about something.")
@click.argument("subject")
@click.argument("text", default="")
@click.pass_obj
def open_(session: Session, subject: str, text: str) -> None:
    """Pull the cord about SUBJECT (a model, HOST/GPU, anything with a name): it is examined at once.

    Without TEXT, which says what was noticed, everything is looked at. A sentence alone is such a TEXT; what it is
    about stands in it as NAME=VALUE: "wrong answers model=glove".
    """
    if not text and len(subject.split()) > 1:
        subject, text = _about(subject)
    _change(session, "incident.open", subject=subject, text=text)


@incident.command(short_help="The diagnosis of one incident, and its notes.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def show(session: Session, id_: str) -> int:
    """The diagnosis of one incident, and its notes; exits as that diagnosis says."""
    from console.model import Diagnosis
    from console.wire import load

    return session.emit_diagnosis(load(Diagnosis, session.client.request("diagnosis", incident=id_)))


@incident.command(short_help="Answer what its playbooks ask.")
@click.argument("id_", metavar="ID")
@click.argument("question")
@click.argument("answer_", metavar="ANSWER")
@click.pass_obj
def answer(session: Session, id_: str, question: str, answer_: str) -> None:
    """Answer what its playbooks ask: QUESTION is its number in `andon incident show ID`, or its text."""
    session.refuse_if_locked()
    if question.isdecimal():
        question = _numbered(session, id_, int(question))
    _change(session, "answer", incident=id_, question=question, answer=answer_)


@incident.command()
@click.argument("id_", metavar="ID")
@click.pass_obj
def examine(session: Session, id_: str) -> None:
    """Run its playbooks again, in the background."""
    from console.report.clean import clean

    session.refuse_if_locked()
    session.client.request("examine", incident=id_)
    session.emit_shape({"incident": id_}, lambda: clean(f"{id_} is examined again: andon incident show {id_}"))


@incident.command(short_help="Have the language model explain it, or answer a question.")
@click.argument("id_", metavar="ID")
@click.argument("question", default="")
@click.pass_obj
def explain(session: Session, id_: str, question: str) -> Exit:
    """What the configured language model says of its diagnosis, or answers to a QUESTION about it.

    Ctrl-C interrupts it. What it said before stands in `andon transcript list --incident ID`. Ends with 3 where it came
    to no conclusion.
    """
    from console.cli.explaining import said_there
    from console.report.text import said_text
    from console.wire import dump

    session.refuse_if_locked()
    session.refuse_other_forms_than("text", "json")
    says = said_there(session, id_, question)
    session.emit_shape(dump(says), lambda: said_text(says, width=session.width, colours=session.colours))
    return Exit.INCONCLUSIVE if says.stopped else Exit.HEALTHY


@incident.command()
@click.argument("id_", metavar="ID")
@click.argument("text")
@click.pass_obj
def note(session: Session, id_: str, text: str) -> None:
    """Add a line to an incident's timeline."""
    _change(session, "incident.note", incident=id_, text=text)


@incident.command()
@click.argument("id_", metavar="ID")
@click.pass_obj
def ack(session: Session, id_: str) -> None:
    """Take an incident: you are its owner now."""
    _change(session, "incident.ack", incident=id_)


@incident.command()
@click.argument("id_", metavar="ID")
@click.option("--note", "text", default="", help="What ended it.")
@click.pass_obj
def close(session: Session, id_: str, text: str) -> None:
    """Close an incident."""
    _change(session, "incident.close", incident=id_, text=text)


def _about(sentence: str) -> tuple[str, str]:
    """What a sentence is about, and what it says of it; UsageError where no label in it tells."""
    from console.triage.symptoms import symptom_in_words

    symptom = symptom_in_words(sentence)
    labels = dict(symptom.labels)
    if not labels:
        hint = f"name it: andon incident open MODEL {shlex.quote(sentence)}, or write model=NAME in the words"
        raise UsageError(f"{sentence!r} does not say what it is about", hint)
    gpu = f"{labels['host']}/{labels['gpu']}" if {"host", "gpu"} <= set(labels) else None
    return labels.get("model") or gpu or labels.get("host") or next(iter(labels.values())), symptom.text


def _numbered(session: Session, id_: str, number: int) -> str:
    """The text of an open question."""
    from console.model import Diagnosis
    from console.triage.questions import open_questions
    from console.wire import load

    diagnosis = load(Diagnosis, session.client.request("diagnosis", incident=id_))
    asked = open_questions(diagnosis.runs, diagnosis.incident.answers if diagnosis.incident else ())
    if not 1 <= number <= len(asked):
        raise UsageError(f"{id_} has no open question {number}", f"`andon incident show {id_}` numbers them")
    return asked[number - 1].text


def _change(session: Session, op: str, **args: Any) -> None:
    from console.report.clean import clean

    session.refuse_if_locked()
    item = session.client.request(op, **args)
    owner = f", owner {item['owner']}" if item["owner"] else ""
    session.emit_shape(item, lambda: clean(f"{item['id']} is {item['state']}{owner}: {item['title']}"))
