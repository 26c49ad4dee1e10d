"""The steps of a playbook: what each may read and must wait for, and options that fit their step type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.config import duration
from console.playbook.checking import Draft, baseline_of
from console.playbook.complaints import check
from console.playbook.definition import Foreach, Playbook, Retry, Step
from console.playbook.each import RESULT as RESULT_OF_EACH
from console.playbook.expressions import Expression, Scope, Unknown
from console.playbook.needs import cycle, tied_steps
from console.playbook.schema import StepEntry, WindowsEntry
from console.playbook.template import Template, fill, holes, text_at
from console.playbook.text import Path as Place
from console.plugins import StepType

INPUT_TYPES = {"string": "string", "number": "double", "boolean": "bool"}
MOST_ITEMS = 50  # where a `foreach` does not say
INSIDE = "playbook"  # the step type that runs another playbook

Others = Callable[[str, Draft, Place], Playbook | None]
"""The playbook of a name, where the others are known; PlaybookError, at a place of this one, where there is none."""


class StepsCheck:
    """The steps of one draft."""

    def __init__(self, given: Draft, others: Others) -> None:
        self.draft = given
        self.used = {
            entry.id: found
            for index, entry in enumerate(given.file.steps)
            if (found := self._playbook_inside(entry, ("steps", index, "with"), others)) is not None
        }
        self.variables = self._variables()
        self.scope = Scope(self.variables)
        self._inside: dict[str, Scope] = {}  # by the type of `each`

    def steps(self) -> tuple[Step, ...]:
        """All of them, and none waits for itself."""
        steps = tuple(self._step(entry, ("steps", index)) for index, entry in enumerate(self.draft.file.steps))
        around = cycle({step.id: step.needs for step in steps})
        if around:
            index = next(index for index, step in enumerate(steps) if step.id == around[0])
            message = f"these steps wait for each other: {' → '.join(around)}"
            hint = "a reference in `if` or `with` is a need too"
            raise self.draft.text.error(("steps", index, "id"), message, hint)
        return steps

    # ── what may be read ─────────────────────────────────────────────────────────────────────────────────────────────

    def _variables(self) -> dict[str, str]:
        file = self.draft.file
        results = {
            f"steps.{entry.id}.{name}": kind for entry in file.steps for name, kind in self._results(entry).items()
        }
        inputs = {f"inputs.{name}": INPUT_TYPES[entry.type] for name, entry in file.inputs.items()}
        return results | inputs | {f"vars.{name}": _type(value) for name, value in file.constants.items()}

    def _results(self, entry: StepEntry) -> Mapping[str, str]:
        if entry.foreach is not None:
            return RESULT_OF_EACH
        result = self.draft.step_types[entry.uses].result
        if entry.id not in self.used:
            return result
        rest = {name: kind for name, kind in result.items() if name != "outputs"}
        return rest | {f"outputs.{name}": kind for name, kind in _outputs(self.used[entry.id]).items()}

    def _scope(self, items: Foreach | None) -> Scope:
        if items is None:
            return self.scope
        is_number = not isinstance(items.items, Expression) and not isinstance(items.items[0], str)
        kind = "double" if is_number else "string"
        if kind not in self._inside:
            self._inside[kind] = Scope(self.variables | {"each": kind})
        return self._inside[kind]

    # ── one step ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self, entry: StepEntry, place: Place) -> Step:
        step_type = self.draft.step_types[entry.uses]
        foreach = self._foreach(entry, place)
        scope = self._scope(foreach)
        options, templates = self._options(entry, step_type, (*place, "with"), scope)
        condition = self.draft.expression(entry.condition, (*place, "if"), scope, "bool") if entry.condition else None
        claims = self._claims(entry, step_type, (*place, "with"), scope)
        heading = self.draft.filled(entry.title, (*place, "title"), scope) if "${{" in entry.title else None
        windows = entry.windows or WindowsEntry()
        self.draft.windows(windows, (*place, "windows"))
        read = [condition, *(each for template in templates.values() for each in template.expressions)]
        read += [each for found in claims.values() for each in found]
        read += heading.expressions if heading else ()
        read += [foreach.items] if foreach and isinstance(foreach.items, Expression) else []
        inside = self.used.get(entry.id)
        return Step(
            id=entry.id,
            title=entry.title,
            uses=entry.uses,
            options=options,
            templates=templates,
            condition=condition,
            needs=self._needs(entry, step_type, place, [each for each in read if each is not None]),
            timeout=duration(entry.timeout) if entry.timeout else None,
            current=windows.current,
            baseline=baseline_of(self.draft, windows),
            heading=heading,
            foreach=foreach,
            retry=Retry(entry.retry.times, duration(entry.retry.wait)) if entry.retry else None,
            is_optional=entry.on_error == "continue",
            is_dry=entry.dry_run,
            expressions=claims,
            outputs=_outputs(inside) if inside else {},
        )

    def _foreach(self, entry: StepEntry, place: Place) -> Foreach | None:
        if entry.foreach is None:
            return None
        most = entry.most or MOST_ITEMS
        if isinstance(entry.foreach, list):
            if len(entry.foreach) > most:
                message = f"`foreach` has {len(entry.foreach)} items, and `most` is {most}"
                raise self.draft.text.error((*place, "foreach"), message, "raise `most`, up to 1000")
            return Foreach(tuple(entry.foreach), most)
        template = self.draft.filled(entry.foreach, (*place, "foreach"), self.scope)
        expression = template.expressions[0] if len(template.parts) == 1 and template.expressions else None
        if expression is None or expression.type != "list(string)":
            found = f"gives a {expression.type}" if expression else "is more than one expression"
            message = f"`foreach` {found}, and a list(string) is needed here"
            raise self.draft.text.error((*place, "foreach"), message)
        return Foreach(expression, most)

    def _options(
        self, entry: StepEntry, step_type: StepType, place: Place, scope: Scope
    ) -> tuple[dict[str, Any], dict[Place, Template]]:
        """The options, constants filled in, and the holes that are left."""
        templates = {
            path: self._template(entry.options, path, place, scope)
            for path in holes(entry.options)
            if path[:1] != () and path[0] not in step_type.expressions
        }
        constants = {f"vars.{name}": value for name, value in self.draft.file.constants.items()}
        fixed = {path: each for path, each in templates.items() if all(map(_is_constant, each.expressions))}
        options = fill(entry.options, fixed, constants)
        if isinstance(options, Unknown):
            raise self.draft.text.error(next(iter((*place, *path) for path in fixed)), options.why)
        left = {path: each for path, each in templates.items() if path not in fixed}
        check(step_type.options, options, self.draft.text, place, where=f"`{entry.uses}`", holes=tuple(left))
        return options, left

    def _template(self, options: object, path: Place, place: Place, scope: Scope) -> Template:
        return self.draft.filled(text_at(options, path), (*place, *path), scope)

    def _claims(
        self, entry: StepEntry, step_type: StepType, place: Place, scope: Scope
    ) -> dict[str, tuple[Expression, ...]]:
        found = {}
        for name in step_type.expressions:
            value = entry.options.get(name)
            texts: dict[Place, object] = {(name,): value} if isinstance(value, str) else {}
            if isinstance(value, list):
                texts = {(name, index): text for index, text in enumerate(value)}
            found[name] = tuple(
                self.draft.expression(str(text), (*place, *path), scope, "bool") for path, text in texts.items()
            )
        return found

    def _needs(self, entry: StepEntry, step_type: StepType, place: Place, read: list[Expression]) -> tuple[str, ...]:
        """What is written, and what every reference implies."""
        needs = [*entry.needs]
        for index, name in enumerate(entry.needs):
            self.draft.known_step(name, (*place, "needs", index))
        for option, name in tied_steps(step_type.tied, entry.options):
            self.draft.known_step(name, (*place, "with", *option))
            needs.append(name)
        for expression in read:
            needs += expression.steps
        baseline = (entry.windows.baseline if entry.windows else None) or self.draft.file.windows.baseline
        if baseline is not None and baseline.of is not None:
            needs.append(baseline.of)
        return tuple(dict.fromkeys(needs))

    # ── a playbook inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _playbook_inside(self, entry: StepEntry, place: Place, others: Others) -> Playbook | None:
        name = entry.options.get("name")
        if entry.uses != INSIDE or not isinstance(name, str) or "${{" in name:
            return None
        found = others(name, self.draft, (*place, "name"))
        given = entry.options.get("inputs", {})
        if found is None or not isinstance(given, dict):
            return found
        for each in given:
            self.draft.known(each, found.inputs, f"input of {name}", (*place, "inputs", each))
        missing = [one.name for one in found.inputs.values() if one.default is None and one.name not in given]
        if missing:
            message = f"playbook {name} needs the input {missing[0]!r}"
            raise self.draft.text.error((*place, "inputs"), message, "give it under `inputs`")
        return found


def _outputs(playbook: Playbook) -> dict[str, str]:
    return {name: expression.type for name, expression in playbook.outputs.items()}


def _is_constant(expression: Expression) -> bool:
    return bool(expression.names) and all(name.startswith("vars.") for name in expression.names)


def _type(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "double"
