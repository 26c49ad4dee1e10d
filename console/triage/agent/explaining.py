"""One diagnosis, explained: what a model says of it stands beside what the numbers say, and changes nothing of that."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from console.config import LlmConfig
from console.model import AgentClaim, AgentSays, Diagnosis, Transcript
from console.playbook.bundles.redaction import Masks
from console.triage.agent.allowed import allowed, withheld
from console.triage.agent.budget import Limits, Prices
from console.triage.agent.looks import Looks
from console.triage.agent.mcp_tools import Mcp
from console.triage.agent.probing import Able
from console.triage.agent.reciting import marked
from console.triage.agent.speaker import Endpoint, Speaker
from console.triage.agent.talking import OnNews, Talking
from console.triage.agent.tool import Scene

log = logging.getLogger("andon.agent")


@dataclass(frozen=True, slots=True)
class Explained:
    """What came of an investigation. In the transcript secrets are masked; `masks` know what stands for what."""

    transcript: Transcript
    masks: Masks
    able: Able | None

    @property
    def says(self) -> AgentSays:
        """For the screen of somebody who may see what was masked on the way out."""
        assert self.transcript.says is not None
        return restored(self.transcript.says, self.masks)


class Investigation:
    """A model at work on one diagnosis, or on one question about it. `earlier`: what it goes on from."""

    def __init__(
        self,
        diagnosis: Diagnosis,
        scene: Scene,
        llm: LlmConfig,
        *,
        question: str = "",
        earlier: Explained | None = None,
        able: Able | None = None,
        today: Callable[[], float] = lambda: 0.0,
        on_news: OnNews = lambda _news: None,
    ) -> None:
        before = earlier.transcript if earlier is not None else None
        estate = scene.situation.estate
        looking = replace(scene, situation=replace(scene.situation, estate=allowed(estate, llm.sources)))
        self.diagnosis, self.question, self._before = diagnosis, question, before
        self._masks = earlier.masks if earlier is not None else Masks(ips=llm.mask_ips)
        self._speaker = Speaker(Endpoint(llm.model, llm.url, llm.key_env))
        self._others = Mcp(llm.mcp)
        self._now = scene.situation.now
        self._talking = Talking(
            llm.model, self._speaker, Looks(looking, self._masks.text, self._others), diagnosis, question,
            earlier=before.messages if before is not None else (),
            found=before.says.findings if before is not None and before.says is not None else (),
            withheld=withheld(diagnosis.findings, estate, llm.sources), able=able,
            limits=Limits(llm.calls, llm.tokens, llm.dollars, llm.seconds, llm.dollars_a_day),
            prices=Prices(**llm.prices), today=today, on_news=on_news,
        )  # fmt: skip

    async def through(self) -> Explained:
        """To its end. Nothing is raised for whatever a model or its endpoint does: why it was not heard to the end is
        part of the answer.
        """
        try:
            await self._meet()
            talk = await self._talking.through()
        finally:
            await self._others.close()
            await self._speaker.close()
        incident = self.diagnosis.incident
        transcript = Transcript(
            id="", incident=incident.id if incident is not None else "", time=self._now, model=talk.says.model,
            about=about(self.diagnosis), question=self._masks.text(self.question), head=talk.head,
            messages=talk.messages, before=len(self._before.messages) if self._before is not None else 0,
            says=replace(talk.says, findings=talk.findings),
        )  # fmt: skip
        return Explained(transcript, self._masks, self._talking.able)

    def interrupt(self) -> None:
        """End it where it is; to be called in the loop that it runs in."""
        self._talking.interrupt()

    async def first_request(self) -> dict[str, Any]:
        """What would be sent first; nothing is."""
        try:
            await self._meet()
            return self._talking.first_request()
        finally:
            await self._others.close()

    async def _meet(self) -> None:
        """Learn what other tools there are; a server that does not answer is left out."""
        await self._others.open()
        for name, why in self._others.failed.items():
            log.warning("left out of what a model may call: %s: %s", name, why)


async def explained(diagnosis: Diagnosis, scene: Scene, llm: LlmConfig | None) -> Diagnosis:
    """The diagnosis with what the configured model says; as it is where none is configured, or nothing was found."""
    if llm is None or not diagnosis.findings:
        return diagnosis
    return replace(diagnosis, agent=(await Investigation(diagnosis, scene, llm).through()).says)


def about(diagnosis: Diagnosis) -> str:
    """Which diagnosis this is, as far as citations go: another examination finds other numbers under the same ids."""
    found = [(each.id, *marked(each)) for each in diagnosis.findings]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


def restored(says: AgentSays, masks: Masks) -> AgentSays:
    """With what was masked on the way out."""

    def claim(one: AgentClaim) -> AgentClaim:
        return replace(one, text=masks.restored(one.text))

    return replace(says, claims=tuple(map(claim, says.claims)), settles=tuple(map(masks.restored, says.settles)))
