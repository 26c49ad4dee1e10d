"""An estate of every kind of source, a playbook that asks all of them, and its recording as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from console.lab.scenes.scene import Scene
from console.model import Diagnosis, Labels, Question, Symptom
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.recording import recorded
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load_text
from console.sources.types import ProbeAnswer
from console.triage.diagnose import diagnose

TEXT = """
schema: andon/v1
name: everything
title: All that can be asked
inputs:
  model: {type: string, from: incident.labels.model}
windows: {current: 15m, baseline: {offset: 1d}}
steps:
  - {id: slow, title: Slower?, uses: compare, with: {signal: model.ttft, where: {model: "${{ inputs.model }}"}}}
  - {id: apart, title: Which?, uses: compare, with: {signal: model.ttft, by: [replica]}}
  - {id: full, title: Full?, uses: now, with: {signal: model.kv.usage, by: [replica], above: 0.9}}
  - {id: rows, title: Moved?, uses: drift, with: {table: rows}}
  - {id: changed, title: What changed?, uses: events, with: {kinds: [deploy], around: {onset_of: slow}}}
  - {id: lines, title: What is said?, uses: logs, with: {}}
  - {id: calls, title: Where does it go?, uses: traces, with: {}}
  - {id: golden, title: The same model?, uses: probe, with: {}}
  - {id: people, title: Load?, uses: ask, with: {question: Was it announced?, answers: ["yes", "no"]}}
causes:
  - id: kv_cache_exhausted
    title: The KV cache is full
    evidence:
      - {if: steps.full.verdict == "degraded", weight: strong}
      - {if: steps.slow.verdict == "degraded", weight: strong}
      - {if: steps.people.answer == "yes", weight: weak}
"""


def everything(text: str = TEXT) -> Playbook:
    """The playbook."""
    return load_text(text, "everything.yaml")


def scene(secret: str = "") -> Scene:
    """What happens: the cache fills up, answers come later, and a value of every kind may carry a secret."""

    def rows(chance: np.random.Generator, times: Any) -> dict[str, Any]:
        site = np.where(chance.uniform(size=times.size) < 0.5, "north", f"south {secret}".strip())
        return {"size": chance.normal(5, 1, times.size), "site": site}

    made = Scene(0)
    for replica in ("chat-0", f"chat-1 {secret}".strip()):
        made = made.histogram("model.ttft", 0.3, model="chat", replica=replica).gauge(
            "model.kv.usage", 0.5, model="chat", replica=replica
        )
    return (
        made.change("model.kv.usage", 420, to=0.99)
        .change("model.ttft", 420, times=3.0)
        .event(500, "deploy", "chat", f"v2 {secret}", f"by {secret}")
        .log(3600, "chat", "info", f"request {{n}} of {secret}", every=20)
        .log(90_000, "chat", "info", f"request {{n}} of {secret}", every=20, until=80_000)
        .log(400, "chat", "error", f"no free block for {secret}", every=10)
        .call("", "gateway", 0.05)
        .call("gateway", f"chat {secret}".strip(), 0.2)
        .golden(ProbeAnswer(8, 8, 0, 0.0, 0.1, (f"as before {secret}",)))
        .table("rows", "chat", rows, per_minute=10, days=2, hours=1)
    )


async def says_yes(_question: Question) -> str:
    """An operator who says yes."""
    return "yes"


async def a_recording(secret: str = "") -> tuple[Bundle, Diagnosis]:
    """The playbook on the scene, recorded."""
    playbook = everything()
    with scene(secret).situation() as situation:
        heard, recording = recorded(situation)
        done = await run(
            playbook, {"model": "chat"}, heard, step_types=built_in_step_types(), ask=recording.hears(says_yes)
        )
    diagnosis = diagnose([done])
    symptom = Symptom(f"slow {secret}", labels=Labels.of(model="chat"))
    return recording.bundle(diagnosis, symptoms=[symptom], playbooks=[playbook]), diagnosis


def said(diagnosis: Diagnosis) -> Any:
    """What has to be the same each time."""
    return [
        (run.verdict, [(step.id, step.state, dict(step.values), step.findings) for step in run.steps], run.causes)
        for run in diagnosis.runs
    ]


def written(bundle: Bundle, folder: Path) -> Path:
    """The bundle as a file there."""
    from console.playbook.bundles.file import save

    path = folder / "it.andon"
    save(bundle, path)
    return path
