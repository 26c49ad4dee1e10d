"""What a language model says of an incident, as it says it: it can be begun, interrupted, asked on and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from console.errors import AndonError
from console.tui.panels.figures import dicts
from console.tui.screens.prompt import Prompt
from console.tui.screens.triage_answers import Answers
from console.tui.screens.triage_words import Json
from console.tui.text import Line, wrap

if TYPE_CHECKING:
    from console.tui.app import Console
    from console.tui.screens.sheet import Sheet

LOOK_SECONDS = 0.25  # between two looks at a model at work
MOST_LOOKS = 6  # of those that it took, the last ones
SIDES = ("evidence", "against")
NOT_THERE = "no language model was configured when the daemon started: [llm], see docs/agent.md"


class Model:
    """The model's part of one incident's triage. `on_news` is called when it says something else."""

    def __init__(self, sheet: Sheet, incident: str, on_news: Callable[[], object]) -> None:
        self._sheet, self._incident, self._on_news = sheet, incident, on_news
        self._seen: Json = {}
        self._is_asked = False  # how far it is; the answer is on its way
        self.is_wanted = False  # the operator has just begun it, and wants to see it

    @property
    def name(self) -> str:
        """As the endpoint calls it."""
        return str(self._seen.get("model") or "")

    @property
    def is_there(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._seen.get("view") or self._seen.get("said"))

    @property
    def is_at_work(self) -> bool:
        """Whether it is being asked right now."""
        return bool(self._view) and not self._view.get("ended")

    @property
    def asks(self) -> Json | None:
        """What it asks the operator."""
        return self._view.get("asks") if self.is_at_work else None

    def lines(self, width: int, height: int) -> list[Line]:
        """All that it says, the newest first; while it is at work, the end of what it says so far."""
        if self.is_at_work:
            return _at_work(self._view, self._seen, width, height)
        return said_lines(self._seen, width)

    def look(self) -> None:
        """Ask how far it is, and again while it is at work."""
        if not self._is_asked and self._sheet.is_up:
            self._is_asked = True
            self._app.ask("explain.seen", self._told, refused=self._refused, slot=f"model {self._incident}",
                          incident=self._incident)  # fmt: skip

    def explain(self) -> None:
        """Begin; where it has concluded about this examination already, that is all to be read."""
        if not self._seen.get("model"):
            self._sheet.say(NOT_THERE, "warn")
        elif not self.is_at_work and not any(map(_is_explained, dicts(self._seen.get("said")))):
            self._begin("")
        elif not self.is_at_work:
            self._sheet.say("it has explained this: E asks it something, r examines again", "dim")

    def ask(self) -> None:
        """A question about the incident."""

        def asked(text: str | None) -> None:
            if text:
                self._begin(text)

        if not self._seen.get("model"):
            self._sheet.say(NOT_THERE, "warn")
        elif self.is_at_work:
            self._sheet.say("it is at work: i interrupts it", "warn")
        else:
            what = f"Ask {self._seen['model']} about {self._incident} (Enter asks, Esc does not)"
            self._sheet.app.push_screen(Prompt(what), asked)

    def interrupt(self) -> None:
        """Stop it where it is."""
        if self.is_at_work:
            self._app.ask("explain.interrupt", lambda _answer: self.look(), incident=self._incident)
        else:
            self._sheet.say("it is not at work", "dim")

    def answer(self) -> None:
        """Answer what it asks."""
        asks = self.asks
        if asks is None:
            return

        def answered(text: str | None) -> None:
            if text:
                self._app.ask("explain.answer", lambda _answer: self.look(), incident=self._incident, answer=text)

        answers = tuple(map(str, asks.get("answers") or ()))
        question = str(asks.get("text"))
        prompt = (
            Answers(question, answers, "it goes on") if answers else Prompt(f"{question} (Enter answers, Esc does not)")
        )
        self._sheet.app.push_screen(prompt, answered)

    @property
    def _app(self) -> Console:
        return cast("Console", self._sheet.app)

    @property
    def _view(self) -> Json:
        return self._seen.get("view") or {}

    def _begin(self, question: str) -> None:
        def begun(_answer: object) -> None:
            self._sheet.say("", "")  # its part says what it does, and the last line which key answers it
            self.is_wanted = True
            self.look()

        self._sheet.say("asking the model …", "bold")
        self._app.ask("explain", begun, incident=self._incident, question=question)

    def _told(self, seen: Json) -> None:
        self._is_asked = False
        self._seen = seen
        if self.is_at_work and self._sheet.is_up:
            self._sheet.set_timer(LOOK_SECONDS, self.look)
        if self._sheet.is_up:
            self._on_news()

    def _refused(self, _error: AndonError) -> None:
        self._is_asked = False  # a daemon of another version knows no model: then there is none


def said_lines(seen: Json, width: int) -> list[Line]:
    """What was said of this examination, the newest first, and what all of it cost."""
    told = dicts(seen.get("said"))
    lines: list[Line] = []
    for each in reversed([one for one in told if not one.get("is_old")]):
        lines += [*_one(each, width), []]
    if old := sum(bool(each.get("is_old")) for each in told):
        lines += _said(f"{old} more of earlier examinations: andon transcript list", width, "dim")
    again = "E asks it something" if any(map(_is_explained, told)) else "e has it explain this, E asks it something"
    return [*lines, *_said(f"{_spent(seen)}. {again}", width, "dim")]


def _is_explained(each: Json) -> bool:
    """Whether this is a conclusion about the examination that is shown: no question, and no try that failed."""
    return not (each.get("is_old") or each.get("question") or (each.get("says") or {}).get("stopped"))


def _one(each: Json, width: int) -> Iterator[Line]:
    says = each.get("says") or {}
    if each.get("question"):
        yield from _said(f"{each.get('operator') or 'somebody'} asked: {each['question']}", width, "bold")
    if says.get("stopped"):
        yield from _said(f"nothing: {says['stopped']}; the diagnosis stands", width, "warn")
    for claim in dicts(says.get("claims")):
        against = f", against {', '.join(claim['against'])}" if claim.get("against") else ""
        yield from _said(f"{claim.get('text')} [{', '.join(claim.get('evidence') or ())}{against}]", width, "")
        if claim.get("unfounded"):
            yield from _said(f"! no finding that it cites has {', '.join(claim['unfounded'])}", width - 2, "warn", "  ")
    if says.get("disagrees"):
        yield from _said("! it puts another cause first than the numbers do", width, "warn")
    for name, title in (("settles", "to settle it"), ("remedies", "remedies"), ("unexplained", "it cannot explain")):
        if says.get(name):
            yield from _said(
                f"{title}: {'; '.join(map(str, says[name]))}", width, "improved" if name == "remedies" else ""
            )
    cited = {id_ for claim in dicts(says.get("claims")) for side in SIDES for id_ in claim.get(side) or ()}
    for one in (each for each in dicts(says.get("findings")) if each.get("id") in cited):
        yield from _said(f"{one.get('id')} {one.get('text')}", width - 2, "dim", "  ")
    if says.get("dropped"):
        yield from _said(
            f"{says['dropped']} of its claims cited nothing that was found, and are not shown", width, "dim"
        )


def _at_work(view: Json, seen: Json, width: int, height: int) -> list[Line]:
    """What it does, what it asks, and the end of its words, as many as there is room for: none of them is checked."""
    used = view.get("used") or {}
    head = _said(f"{seen.get('model')} is at work ({_cost(used)}); unchecked until it concludes. i interrupts it",
                 width, "warn")  # fmt: skip
    if asks := view.get("asks"):
        head += _said(f"? it asks: {asks.get('text')} (Enter answers)", width, "key")
    looks = [line for look in (view.get("looks") or ())[-MOST_LOOKS:] for line in _said(f"→ {look}", width, "improved")]
    words = [line for part in str(view.get("text") or "").splitlines() for line in _said(part, width, "dim")]
    room = max(height - len(head), 2)
    return [*head, *[*words[-max(room - len(looks), 1) :], *looks][-room:]]


def _spent(seen: Json) -> str:
    spent = seen.get("spent") or {}
    of, day = spent.get("incident") or {}, spent.get("day") or {}
    return f"{_cost(of)} for this incident, {_cost(day)} in 24 h"


def _cost(used: Json) -> str:
    tokens = sum(int(used.get(name) or 0) for name in ("tokens_in", "tokens_cached", "tokens_out"))
    money = f", ${used['money']:.2g}" if used.get("money") else ""
    return f"{used.get('calls') or 0} calls, {tokens:,} tokens{money}"


def _said(text: object, width: int, look: str, before: str = "") -> list[Line]:
    return [[(before + each, look)] for each in wrap(text, max(width, 8), indent=2) if each]
