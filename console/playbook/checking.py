"""One text on its way to a playbook: names that must be known, windows, causes, remedies, outputs and tests.

Its steps are checked in `checking_steps.py`. Every complaint is a PlaybookError at file:line:column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.config import duration
from console.errors import AndonError
from console.model import Check, Labels, Verdict
from console.playbook.authoring import name_of
from console.playbook.complaints import check
from console.playbook.definition import (
    DEFAULT_BASELINE,
    DEFAULT_CURRENT,
    DEFAULT_PRIOR,
    CauseRule,
    Evidence,
    Expectation,
    Input,
    Playbook,
    PlaybookTest,
    Remedy,
    Throttle,
    Trigger,
)
from console.playbook.expressions import Expression, ExpressionError, Scope
from console.playbook.schema import CauseEntry, PlaybookFile, RemedyEntry, TestEntry, ThrottleEntry, WindowsEntry, odds
from console.playbook.template import Template, holes, parse, text_at
from console.playbook.text import Path as Place
from console.playbook.text import Text, read
from console.plugins import ActionType, StepType
from console.sources.windows import parse_span
from console.words import nearest


@dataclass(frozen=True, slots=True)
class Draft:
    """A text whose shape is right: what all further checks share."""

    text: Text
    file: PlaybookFile
    step_types: Mapping[str, StepType]

    def known(self, name: str, names: Iterable[str], what: str, place: Place) -> None:
        """PlaybookError for a name that is none of these."""
        known = list(names)
        if name not in known:
            raise self.text.error(place, f"there is no {what} {name!r}", nearest(name, known))

    def known_step(self, name: str, place: Place) -> None:
        self.known(name, (entry.id for entry in self.file.steps), "step", place)

    def windows(self, windows: WindowsEntry, place: Place) -> None:
        """Whether these windows can be."""
        if windows.current is not None:
            try:
                parse_span(windows.current, now=4e9)
            except AndonError as error:
                raise self.text.error((*place, "current"), error.message, error.hint) from error
        if windows.baseline is not None and windows.baseline.of is not None:
            self.known_step(windows.baseline.of, (*place, "baseline", "of"))
        if windows.baseline is not None and windows.baseline.span is not None:
            try:
                parse_span(windows.baseline.span, now=4e9)
            except AndonError as error:
                raise self.text.error((*place, "baseline", "span"), error.message, error.hint) from error

    def filled(self, text: str, place: Place, scope: Scope) -> Template:
        """A text with holes."""
        try:
            template = parse(text, scope)
        except ExpressionError as error:
            raise self.text.error_inside(place, error.offset, error.message, error.hint) from error
        return template or Template((text,))

    def expression(self, source: str, place: Place, scope: Scope, want: str | None = None) -> Expression:
        """A text that is an expression."""
        try:
            return scope.compile(source, want=want)
        except ExpressionError as error:
            raise self.text.error_inside(place, error.offset, error.message, error.hint) from error


def draft(text: Text, step_types: Mapping[str, StepType]) -> Draft:
    """The text with its shape checked, and each name in it unique."""
    if not isinstance(text.tree, dict):
        raise text.error((), "a playbook is a mapping", "start with `schema: andon/v1`")
    file = check(PlaybookFile, text.tree, text)
    assert file is not None  # without holes, there is a model or an error
    for section, entries in (("steps", file.steps), ("causes", file.causes), ("remedies", file.remedies)):
        _unique(text, section, [entry.id for entry in entries])
    for index, entry in enumerate(file.steps):
        if entry.uses not in step_types:
            hint = nearest(entry.uses, step_types)
            raise text.error(("steps", index, "uses"), f"there is no step type {entry.uses!r}", hint)
    return Draft(text, file, step_types)


def whole(given: Draft) -> Playbook:
    """The playbook but its steps and what reads them: those are filled in by the loader."""
    file = given.file
    given.windows(file.windows, ("windows",))
    return Playbook(
        name=file.name,
        title=file.title,
        description=file.description,
        steps=(),
        triggers=tuple(
            Trigger(entry.signal, Verdict(entry.verdict), Labels.of(entry.alert or {}), entry.step)
            for entry in file.triggers
        ),
        inputs={
            name: Input(name, entry.type, entry.source or "", entry.default) for name, entry in file.inputs.items()
        },
        constants=file.constants,
        current=file.windows.current or DEFAULT_CURRENT,
        baseline=baseline_of(given, file.windows) or dict(DEFAULT_BASELINE),
        throttle=_throttle(given, file.throttle) if file.throttle else None,
        tests=tuple(_test(given, entry, ("tests", index)) for index, entry in enumerate(file.tests)),
        path=given.text.name,
        source=given.text.source,
    )


def check_file_name(playbook: Playbook) -> None:
    """PlaybookError where its file is called otherwise: those that use it by name look for that file."""
    path = Path(playbook.path)
    if playbook.name != name_of(path.stem):
        hint = f"call it {name_of(path.stem)}, or the file {playbook.name}.yaml"
        text = read(playbook.source.encode(), playbook.path)
        raise text.error(("name",), f"`name` is {playbook.name!r}, and the file is called {path.name}", hint)


def check_remedies(playbook: Playbook, actions: Mapping[str, ActionType]) -> list[str]:
    """PlaybookError where a remedy's options are not its action's; what to say of actions that nobody offers here.

    The loader does not ask: whatever its remedies are, a playbook finds the same causes.
    """
    text = read(playbook.source.encode(), playbook.path)
    unknown = []
    for index, remedy in enumerate(playbook.remedies):
        if remedy.uses not in actions:
            unknown.append(f"remedy {remedy.id}: no plugin here offers {remedy.uses}; {nearest(remedy.uses, actions)}")
            continue
        options = {name: told for name, told in remedy.options.items() if name != "actuator"}  # who does it, of any
        place = ("remedies", index, "with")
        check(actions[remedy.uses].options, options, text, place, where=f"`{remedy.uses}`", holes=remedy.templates)
    return unknown


def baseline_of(given: Draft, windows: WindowsEntry) -> dict[str, object] | None:
    """The baseline in the form that windows are resolved from; a dataset is looked for from the playbook's folder."""
    if windows.baseline is None:
        return None
    told: dict[str, object] = windows.baseline.model_dump(exclude_none=True)
    if windows.baseline.dataset is not None and "://" not in windows.baseline.dataset:
        told["dataset"] = str(Path(given.text.name).absolute().parent / windows.baseline.dataset)
    return told


def cause(given: Draft, entry: CauseEntry, place: Place, scope: Scope) -> CauseRule:
    """One cause with its evidence."""
    for index, name in enumerate(entry.remedies):
        given.known(name, (remedy.id for remedy in given.file.remedies), "remedy", (*place, "remedies", index))
    evidence = []
    for index, line in enumerate(entry.evidence):
        where = (*place, "evidence", index, "if")
        expression = given.expression(line.condition, where, scope, "bool")
        if not expression.steps:
            raise given.text.error(where, "evidence must read the result of a step", "a claim cites its findings")
        evidence.append(Evidence(expression, line.weight, line.against, line.group, line.title or ""))
    return CauseRule(
        id=entry.id,
        title=entry.title,
        evidence=tuple(evidence),
        prior=odds(entry.prior) if entry.prior else DEFAULT_PRIOR,
        subject=given.filled(entry.subject, (*place, "subject"), scope) if entry.subject else None,
        remedies=tuple(entry.remedies),
    )


def remedy(given: Draft, entry: RemedyEntry, place: Place, scope: Scope) -> Remedy:
    """One remedy, with the holes of its options."""
    verify = None
    if entry.verify is not None:
        given.known_step(entry.verify.step, (*place, "verify", "step"))
        for index, step in enumerate(entry.verify.guards):
            given.known_step(step, (*place, "verify", "guards", index))
        told = entry.verify
        verify = Check(told.step, Verdict(told.want), duration(told.within), tuple(told.guards))
    templates = {
        path: given.filled(text_at(entry.options, path), (*place, "with", *path), scope)
        for path in holes(entry.options)
    }
    return Remedy(entry.id, entry.uses, entry.options, entry.risk, verify, templates)


def _unique(text: Text, section: str, ids: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(ids):
        if name in seen:
            first = text.mark((section, seen[name], "id")).line
            message = f"the id {name!r} is here a second time"
            raise text.error((section, index, "id"), message, f"the first is on line {first}")
        seen[name] = index


def _throttle(given: Draft, entry: ThrottleEntry) -> Throttle:
    for index, name in enumerate(entry.per):
        given.known(name, given.file.inputs, "input", ("throttle", "per", index))
    return Throttle(duration(entry.every), tuple(entry.per))


def _test(given: Draft, entry: TestEntry, place: Place) -> PlaybookTest:
    causes = [each.id for each in given.file.causes]
    expect = entry.expect
    for index, name in enumerate(expect.never):
        given.known(name, causes, "cause", (*place, "expect", "never", index))
    if expect.cause not in (None, "none"):
        given.known(str(expect.cause), causes, "cause", (*place, "expect", "cause"))
    for name in entry.inputs:
        given.known(name, given.file.inputs, "input", (*place, "inputs", name))
    verdict = Verdict(expect.verdict) if expect.verdict else None
    never = tuple(expect.never)
    expectation = Expectation(expect.cause, expect.subject, expect.odds, never, verdict, expect.exit)
    return PlaybookTest(entry.bundle, expectation, dict(entry.inputs))
