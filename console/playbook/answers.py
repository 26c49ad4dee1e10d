"""What counts as an answer to a question: one place for the terminal, the console and the store."""

from __future__ import annotations

import math

from console.errors import UsageError
from console.model import Question

TRUE_WORDS = {"true": True, "yes": True, "false": False, "no": False}
MOST_TEXT = 2_000  # characters


def fitting(question: Question, text: str) -> str | float | bool:
    """The answer in the question's own type; UsageError where it is none.

    >>> fitting(Question("How many?", (), "number"), "3")
    3.0
    """
    said = text.strip()
    asked = f"{said[:80]!r} is no answer to {question.text!r}"
    match question.kind:
        case "choice":
            if said not in question.answers:
                raise UsageError(asked, f"answers are {', '.join(question.answers)}")
            return said
        case "number":
            try:
                number = float(said)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise UsageError(asked, "it must be a number")
            return number
        case "boolean":
            if said.lower() not in TRUE_WORDS:
                raise UsageError(asked, "answers are true, false")
            return TRUE_WORDS[said.lower()]
        case "text":
            if not said or len(said) > MOST_TEXT:
                raise UsageError(asked, f"it must be text of at most {MOST_TEXT:,} characters")
            return said


def fits(question: Question, text: str) -> bool:
    """Whether the text answers the question."""
    try:
        fitting(question, text)
    except UsageError:
        return False
    return True


def offered(question: Question) -> str:
    """What may be answered, in words.

    >>> offered(Question("Announced?", ("yes", "no")))
    'yes, no'
    """
    if question.kind == "choice":
        return ", ".join(question.answers)
    return {"number": "a number", "boolean": "true, false", "text": "any text"}[question.kind]
