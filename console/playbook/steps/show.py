"""`show`: words and a command for the person who looks. The command is text to copy; nothing ever runs it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from console.model import Shown, State
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType

MOST_TEXT = 20_000  # characters

Long = Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT)]


class ShowOptions(Entry):
    """What to show."""

    called = "`show`"
    markdown: Long = Field("", description="words in Markdown; `${{ … }}` may stand in it")
    command: Long = Field("", description="a command to copy; only plain words may fill its holes")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.markdown and not self.command:
            raise PydanticCustomError("show", "this shows nothing: give `markdown`, `command` or both")
        return self


async def _run(_context: StepContext, options: ShowOptions) -> StepOutcome:
    return StepOutcome(State.OK, shown=Shown(options.markdown, options.command))


STEP = StepType(
    name="show",
    title="Words, and a command to copy",
    options=ShowOptions,
    result={},
    run=_run,
    commands=("command",),
    is_patient=True,
    is_check=False,
)
