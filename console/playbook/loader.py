"""From YAML to a Playbook. Every way a playbook can be wrong is a PlaybookError with file:line:column and a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from console.config import duration
from console.errors import AndonError, PlaybookError
from console.model import Labels, Verdict
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
    Step,
    Trigger,
)
from console.playbook.expressions import Expression, ExpressionError, Scope
from console.playbook.needs import cycle, tied_steps
from console.playbook.schema import CauseEntry, PlaybookFile, StepEntry, TestEntry, WindowsEntry, odds
from console.playbook.template import Template, holes, parse
from console.playbook.text import MOST_BYTES, Text, read
from console.playbook.text import Path as Place
from console.plugins import StepType
from console.sources.windows import parse_span
from console.words import nearest

INPUT_TYPES = {"string": "string", "number": "double", "boolean": "bool"}


def load(path: Path, step_types: Mapping[str, StepType] | None = None) -> Playbook:
    """The playbook in a file. `step_types` are all that it may use; andon's own where none are given.

    >>> load(library_dir("playbooks") / "accuracy_drop.yaml").triggers[0].signal
    'model.feedback.correct'
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # whatever the path leads to, /dev/zero too
    except OSError as error:
        raise PlaybookError(f"{path}:1:1: this file cannot be read: {error.strerror}", "") from error
    return load_text(data, str(path), step_types)


def load_text(text: str | bytes, name: str, step_types: Mapping[str, StepType] | None = None) -> Playbook:
    """The playbook in a text; `name` stands where a file's name would."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return _Loading(read(data, name), step_types if step_types is not None else built_in_step_types()).playbook()


def library(
    folders: Iterable[Path],
    step_types: Mapping[str, StepType] | None = None,
    *,
    on_problem: Callable[[PlaybookError], None],
) -> dict[str, Playbook]:
    """Every playbook of these folders by name; a later folder's replaces an earlier one's of the same name.

    What does not load is told to `on_problem` and left out: one broken runbook must not take the others away.
    """
    found: dict[str, Playbook] = {}
    for folder in folders:
        if not folder.is_dir():
            on_problem(PlaybookError(f"{folder} is no folder of playbooks", "mend [playbooks] dirs"))
        for path in sorted(path for path in folder.glob("*.yaml") if path.is_file()):  # a pipe would never end
            try:
                playbook = load(path, step_types)
            except PlaybookError as error:
                on_problem(error)
                continue
            found[playbook.name] = playbook
    return found


def built_in_step_types() -> dict[str, StepType]:
    """andon's own step types by name."""
    from console.playbook.steps import andon_step_types

    return {step_type.name: step_type for step_type in andon_step_types()}


class _Loading:
    """One text on its way to a playbook: what all the checks share."""

    def __init__(self, text: Text, step_types: Mapping[str, StepType]) -> None:
        self.text = text
        self.step_types = step_types
        if not isinstance(text.tree, dict):
            raise text.error((), "a playbook is a mapping", "start with `schema: andon/v1`")
        file = check(PlaybookFile, text.tree, text)
        assert file is not None  # without holes, there is a model or an error
        self.file = file

    def playbook(self) -> Playbook:
        file = self.file
        for section, entries in (("steps", file.steps), ("causes", file.causes), ("remedies", file.remedies)):
            self._unique(section, [entry.id for entry in entries])
        self._windows(file.windows, ("windows",))
        self._step_types()
        self.scope = Scope(self._variables())
        steps = tuple(self._step(entry, ("steps", index)) for index, entry in enumerate(file.steps))
        around = cycle({step.id: step.needs for step in steps})
        if around:
            index = next(index for index, step in enumerate(steps) if step.id == around[0])
            raise self.text.error(("steps", index, "id"), f"these steps wait for each other: {' → '.join(around)}",
                                  "a reference in `if` or `with` is a need too")  # fmt: skip
        for index, remedy in enumerate(file.remedies):
            if remedy.verify is not None:
                self._known_step(remedy.verify.step, ("remedies", index, "verify", "step"))
        return Playbook(
            name=file.name,
            title=file.title,
            description=file.description,
            steps=steps,
            causes=tuple(self._cause(entry, ("causes", index)) for index, entry in enumerate(file.causes)),
            triggers=tuple(
                Trigger(entry.signal, Verdict(entry.verdict), Labels.of(entry.alert or {})) for entry in file.triggers
            ),
            inputs={
                name: Input(name, entry.type, entry.source or "", entry.default) for name, entry in file.inputs.items()
            },
            current=file.windows.current or DEFAULT_CURRENT,
            baseline=self._baseline(file.windows) or dict(DEFAULT_BASELINE),
            tests=tuple(self._test(entry, ("tests", index)) for index, entry in enumerate(file.tests)),
            path=self.text.name,
            source=self.text.source,
        )

    def _unique(self, section: str, ids: Sequence[str]) -> None:
        seen: dict[str, int] = {}
        for index, name in enumerate(ids):
            if name in seen:
                first = self.text.mark((section, seen[name], "id")).line
                raise self.text.error((section, index, "id"), f"the id {name!r} is here a second time",
                                      f"the first is on line {first}")  # fmt: skip
            seen[name] = index

    def _windows(self, windows: WindowsEntry, place: Place) -> None:
        if windows.current is not None:
            try:
                parse_span(windows.current, now=4e9)
            except AndonError as error:
                raise self.text.error((*place, "current"), error.message, error.hint) from error
        if windows.baseline is not None and windows.baseline.of is not None:
            self._known_step(windows.baseline.of, (*place, "baseline", "of"))

    def _baseline(self, windows: WindowsEntry) -> dict[str, object] | None:
        return windows.baseline.model_dump(exclude_none=True) if windows.baseline else None

    def _step_types(self) -> None:
        for index, entry in enumerate(self.file.steps):
            if entry.uses not in self.step_types:
                raise self.text.error(("steps", index, "uses"), f"there is no step type {entry.uses!r}",
                                      nearest(entry.uses, self.step_types))  # fmt: skip

    def _variables(self) -> dict[str, str]:
        results = {
            f"steps.{entry.id}.{name}": kind
            for entry in self.file.steps
            for name, kind in self.step_types[entry.uses].result.items()
        }
        return results | {f"inputs.{name}": INPUT_TYPES[entry.type] for name, entry in self.file.inputs.items()}

    def _known_step(self, name: str, place: Place) -> None:
        ids = [entry.id for entry in self.file.steps]
        if name not in ids:
            raise self.text.error(place, f"there is no step {name!r}", nearest(name, ids))

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self, entry: StepEntry, place: Place) -> Step:
        step_type = self.step_types[entry.uses]
        option_place = (*place, "with")
        paths = tuple(holes(entry.options))
        check(step_type.options, entry.options, self.text, option_place, where=f"`{entry.uses}`", holes=paths)
        templates = {path: self._template(entry.options, path, option_place) for path in paths}
        condition = self._expression(entry.condition, (*place, "if"), "bool") if entry.condition else None
        windows = entry.windows or WindowsEntry()
        self._windows(windows, (*place, "windows"))
        whole = windows.baseline or self.file.windows.baseline
        needs = [*entry.needs]
        for index, name in enumerate(entry.needs):
            self._known_step(name, (*place, "needs", index))
        for option, name in tied_steps(step_type.tied, entry.options):
            self._known_step(name, (*option_place, *option))
            needs.append(name)
        for expression in (condition, *(each for template in templates.values() for each in template.expressions)):
            needs += expression.steps if expression else ()
        if whole is not None and whole.of is not None:
            needs.append(whole.of)
        return Step(
            id=entry.id,
            title=entry.title,
            uses=entry.uses,
            options=entry.options,
            templates=templates,
            condition=condition,
            needs=tuple(dict.fromkeys(needs)),
            timeout=duration(entry.timeout) if entry.timeout else None,
            current=windows.current,
            baseline=self._baseline(windows),
        )

    def _template(self, options: object, path: Place, place: Place) -> Template:
        text = options
        for part in path:
            text = text[part]  # type: ignore[index]
        return self._filled(str(text), (*place, *path))

    def _filled(self, text: str, place: Place) -> Template:
        try:
            template = parse(text, self.scope)
        except ExpressionError as error:
            raise self.text.error_inside(place, error.offset, error.message, error.hint) from error
        return template or Template((text,))

    def _expression(self, source: str, place: Place, want: str) -> Expression:
        try:
            return self.scope.compile(source, want=want)
        except ExpressionError as error:
            raise self.text.error_inside(place, error.offset, error.message, error.hint) from error

    # ── causes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _cause(self, entry: CauseEntry, place: Place) -> CauseRule:
        remedies = [remedy.id for remedy in self.file.remedies]
        for index, name in enumerate(entry.remedies):
            if name not in remedies:
                raise self.text.error((*place, "remedies", index), f"there is no remedy {name!r}",
                                      nearest(name, remedies))  # fmt: skip
        evidence = []
        for index, line in enumerate(entry.evidence):
            where = (*place, "evidence", index, "if")
            expression = self._expression(line.condition, where, "bool")
            if not expression.steps:
                raise self.text.error(where, "evidence must read the result of a step", "a claim cites its findings")
            evidence.append(Evidence(expression, line.weight, line.against, line.group, line.title or ""))
        return CauseRule(
            id=entry.id,
            title=entry.title,
            evidence=tuple(evidence),
            prior=odds(entry.prior) if entry.prior else DEFAULT_PRIOR,
            subject=self._filled(entry.subject, (*place, "subject")) if entry.subject else None,
            remedies=tuple(entry.remedies),
        )

    # ── tests ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _test(self, entry: TestEntry, place: Place) -> PlaybookTest:
        causes = [cause.id for cause in self.file.causes]
        expect = entry.expect
        named: list[tuple[Place, str]] = [(("never", index), name) for index, name in enumerate(expect.never)]
        if expect.cause not in (None, "none"):
            named.append((("cause",), str(expect.cause)))
        for where, name in named:
            if name not in causes:
                raise self.text.error((*place, "expect", *where), f"there is no cause {name!r}",
                                      nearest(name, causes))  # fmt: skip
        for name in entry.inputs:
            if name not in self.file.inputs:
                raise self.text.error((*place, "inputs", name), f"there is no input {name!r}",
                                      nearest(name, self.file.inputs))  # fmt: skip
        verdict = Verdict(expect.verdict) if expect.verdict else None
        never = tuple(expect.never)
        expectation = Expectation(expect.cause, expect.subject, expect.odds, never, verdict, expect.exit)
        return PlaybookTest(entry.bundle, expectation, dict(entry.inputs))
