"""One diagnosis, explained: what a model says of it stands beside what the numbers say, and changes nothing of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.config import LlmConfig
from console.model import AgentClaim, AgentSays, Diagnosis
from console.playbook.bundles.redaction import Masks
from console.plugins import StepType
from console.sources.estate import Situation
from console.triage.agent.budget import Limits, Prices
from console.triage.agent.looks import Looks
from console.triage.agent.speaker import Endpoint, OnText, Speaker
from console.triage.agent.talking import Talking


async def explained(
    diagnosis: Diagnosis,
    situation: Situation,
    step_types: Mapping[str, StepType],
    llm: LlmConfig | None,
    on_text: OnText = lambda _text: None,
) -> Diagnosis:
    """The diagnosis with what the configured model says; as it is where none is configured, or nothing was found.

    Nothing is raised for whatever a model or its endpoint does: why it was not heard to the end is part of the answer.
    """
    if llm is None or not diagnosis.findings:
        return diagnosis
    masks = Masks()
    speaker = Speaker(Endpoint(llm.model, llm.url, llm.key_env))
    talking = Talking(
        llm.model, speaker, Looks(situation, step_types, redact=masks.text), diagnosis,
        limits=Limits(llm.calls, llm.tokens, llm.dollars, llm.seconds), prices=Prices(**llm.prices), on_text=on_text,
    )  # fmt: skip
    try:
        talk = await talking.through()
    finally:
        await speaker.close()
    return replace(diagnosis, agent=_restored(replace(talk.says, findings=talk.findings), masks))


def _restored(says: AgentSays, masks: Masks) -> AgentSays:
    """With what was masked on the way out, for those who may see it anyway."""

    def claim(one: AgentClaim) -> AgentClaim:
        return replace(one, text=masks.restored(one.text))

    return replace(says, claims=tuple(map(claim, says.claims)), settles=tuple(map(masks.restored, says.settles)))
