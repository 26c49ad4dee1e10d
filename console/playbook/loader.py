"""From YAML to a Playbook. Every way a playbook can be wrong is a PlaybookError with file:line:column and a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from console.errors import PlaybookError
from console.library import library_dir
from console.playbook.checking import Draft, cause, draft, remedy, whole
from console.playbook.checking_steps import Others, StepsCheck
from console.playbook.definition import JUDGES, Playbook, Step, judges
from console.playbook.expressions import TYPES
from console.playbook.text import MOST_BYTES, read
from console.playbook.text import Path as Place
from console.plugins import StepType

DEEPEST = 5  # playbooks inside playbooks


def load(path: Path, step_types: Mapping[str, StepType] | None = None) -> Playbook:
    """The playbook in a file. `step_types` are all that it may use; andon's own where none are given.

    The playbooks that it uses are looked for beside it, and among those that came with andon.

    >>> load(library_dir("playbooks") / "accuracy_drop.yaml").triggers[0].signal
    'model.feedback.correct'
    """
    given = _draft(path, _types(step_types))
    return _Shelf({given.file.name: [given]}, (path.parent, library_dir("playbooks"))).finished(given)


def load_text(
    text: str | bytes,
    name: str,
    step_types: Mapping[str, StepType] | None = None,
    others: Mapping[str, Playbook] | None = None,
) -> Playbook:
    """The playbook in a text; `name` stands where a file's name would. `others` are those that it may use."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    given = draft(read(data, name), _types(step_types))

    def other(used: str, user: Draft, place: Place) -> Playbook | None:
        if others is not None:
            user.known(used, others, "playbook", place)
        return others[used] if others is not None else None

    return _finish(given, other)


def library(
    folders: Iterable[Path],
    step_types: Mapping[str, StepType] | None = None,
    *,
    on_problem: Callable[[PlaybookError], None],
) -> dict[str, Playbook]:
    """Every playbook of these folders by name; a later folder's replaces an earlier one's of the same name.

    What does not load is told to `on_problem` and left out: one broken runbook must not take the others away.
    """
    drafts: dict[str, list[Draft]] = {}
    for folder in folders:
        if not folder.is_dir():
            on_problem(PlaybookError(f"{folder} is no folder of playbooks", "mend [playbooks] dirs"))
        for path in sorted(path for path in folder.glob("*.yaml") if path.is_file()):  # a pipe would never end
            try:
                given = _draft(path, _types(step_types))
            except PlaybookError as error:
                on_problem(error)
                continue
            drafts.setdefault(given.file.name, []).append(given)
    shelf = _Shelf(drafts, ())
    found: dict[str, Playbook] = {}
    for name, candidates in drafts.items():
        for given in candidates:
            try:
                found[name] = shelf.finished(given)
            except PlaybookError as error:
                on_problem(error)
    return found


def built_in_step_types() -> dict[str, StepType]:
    """andon's own step types by name."""
    from console.playbook.steps import andon_step_types

    return {step_type.name: step_type for step_type in andon_step_types()}


def _types(step_types: Mapping[str, StepType] | None) -> Mapping[str, StepType]:
    return step_types if step_types is not None else built_in_step_types()


def _draft(path: Path, step_types: Mapping[str, StepType]) -> Draft:
    try:
        if path.is_fifo():
            raise PlaybookError(f"{path}:1:1: this is a pipe, which may never end", "write the playbook to a file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # whatever the path leads to, /dev/zero too
    except OSError as error:
        raise PlaybookError(f"{path}:1:1: this file cannot be read: {error.strerror}", "") from error
    return draft(read(data, str(path)), step_types)


def _finish(given: Draft, others: Others) -> Playbook:
    """The playbook with its steps and what reads them."""
    playbook = whole(given)
    check = StepsCheck(given, others)
    steps = check.steps()
    _check_triggers(given, steps)
    outputs = {
        name: given.expression(source, ("outputs", name), check.scope) for name, source in given.file.outputs.items()
    }
    for name, expression in outputs.items():
        if expression.type not in TYPES:
            message = f"the output {name!r} is a {expression.type}, and no other playbook can read that"
            raise given.text.error(("outputs", name), message, f"it may be {', '.join(TYPES)}")
    causes = tuple(cause(given, entry, ("causes", at), check.scope) for at, entry in enumerate(given.file.causes))
    remedies = tuple(
        remedy(given, entry, ("remedies", at), check.scope) for at, entry in enumerate(given.file.remedies)
    )
    return replace(playbook, steps=steps, causes=causes, outputs=outputs, remedies=remedies)


def _check_triggers(given: Draft, steps: Sequence[Step]) -> None:
    """A trigger that names a step is judged by it alone, so the step must be able to."""
    by_id = {step.id: step for step in steps}
    for at, entry in enumerate(given.file.triggers):
        if entry.step is None or entry.signal is None:
            continue
        place: Place = ("triggers", at, "step")
        given.known_step(entry.step, place)
        step = by_id[entry.step]
        if not judges(step, entry.signal):
            message = f"step {step.id!r} does not judge {entry.signal} by itself"
            raise given.text.error(place, message, f"name one that uses {' or '.join(JUDGES)} on it")
        if step.baseline is not None and "before" in step.baseline:
            raise given.text.error(place, f"step {step.id!r} waits for the onset of another", "name one that does not")


class _Shelf:
    """Playbooks that may use each other: each is finished once those that it uses are."""

    def __init__(self, drafts: Mapping[str, list[Draft]], folders: tuple[Path, ...]) -> None:
        self._drafts = dict(drafts)
        self._folders = folders  # where those are looked for that are no draft yet
        self._done: dict[str, tuple[Playbook, int]] = {}  # by file, with how deep others are inside it
        self._under_way: list[tuple[str, str]] = []  # (file, name)

    def finished(self, given: Draft) -> Playbook:
        """The playbook of a draft; PlaybookError where it, or how it uses others, is wrong."""
        file = given.text.name
        if file not in self._done:
            self._under_way.append((file, given.file.name))
            depths = [0]
            try:
                playbook = _finish(given, lambda name, user, place: self._other(name, user, place, depths))
            finally:
                self._under_way.pop()
            self._done[file] = (playbook, max(depths))
        return self._done[file][0]

    def _other(self, name: str, user: Draft, place: Place, depths: list[int]) -> Playbook | None:
        if name not in self._drafts:
            self._look_for(name, user)
        if name not in self._drafts:
            if self._folders:
                return None  # it may be there when it runs
            user.known(name, self._drafts, "playbook", place)
        names = [under_way for _file, under_way in self._under_way]
        if name in names:
            ring = " → ".join([*names[names.index(name) :], name])
            raise user.text.error(place, f"these playbooks use each other in a ring: {ring}")
        used = self._drafts[name][-1]
        try:
            playbook = self.finished(used)
        except PlaybookError as error:
            raise user.text.error(place, f"the playbook {name!r} does not load: {error.message}", error.hint) from error
        depths.append(self._done[used.text.name][1] + 1)
        if depths[-1] >= DEEPEST:
            raise user.text.error(place, f"playbooks use each other more than {DEEPEST} deep here", "use them flatter")
        return playbook

    def _look_for(self, name: str, user: Draft) -> None:
        for folder in self._folders:
            path = folder / f"{name}.yaml"
            if Path(name).name == name and path.is_file():
                self._drafts[name] = [_draft(path, user.step_types)]
                return
