"""Playing scenes: the playbooks they are for are run on them, and what was asked becomes a bundle."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import console.lab.scenes as here
from console.errors import UsageError
from console.lab.scenes.scene import SCENES, SceneCase
from console.library import library_dir
from console.model import Diagnosis, Labels, Run, Symptom
from console.playbook.bundles.bundle import SUFFIX
from console.playbook.bundles.file import save
from console.playbook.bundles.recording import recorded
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, library
from console.sources.estate import Situation
from console.triage.diagnose import diagnose
from console.words import nearest


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one scene."""

    name: str
    title: str
    diagnosis: Diagnosis
    missing: tuple[str, ...] = ()  # playbooks that it names and the library does not have
    bundle: Path | None = None  # where it was written to


def scenes() -> Mapping[str, SceneCase]:
    """Every scene of this package by name."""
    for module in pkgutil.iter_modules(here.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{here.__name__}.{module.name}")
    return SCENES


def chosen(names: tuple[str, ...]) -> list[str]:
    """These scenes, or all of them; UsageError for one that is not there."""
    known = scenes()
    for name in names:
        if name not in known:
            raise UsageError(f"there is no scene {name!r}", nearest(name, known))
    return list(names or known)


def play_all(names: list[str], seed: int, into: Path | None, jobs: int) -> list[Played]:
    """Each of them in turn, `jobs` at once, in the order given."""
    one = partial(play, seed=seed, into=into)
    if jobs == 1 or len(names) == 1:
        return [one(name) for name in names]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(one, names))


def play(name: str, seed: int = 0, into: Path | None = None) -> Played:
    """One scene through its playbooks; with `into`, its bundle is written there."""
    case = scenes()[name]
    playbooks = _library()
    known = [playbooks[each] for each in case.playbooks if each in playbooks]
    with case.build(seed).situation() as situation:
        heard, recording = recorded(situation)
        diagnosis = diagnose(asyncio.run(_runs(known, playbooks, case, heard)))
    missing = tuple(each for each in case.playbooks if each not in playbooks)
    path = into / f"{name}{SUFFIX}" if into is not None else None
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        symptom = Symptom(case.title, labels=Labels.of(case.labels))
        save(recording.bundle(diagnosis, origin="simulated", symptoms=[symptom], playbooks=known), path)
    return Played(name, case.title, diagnosis, missing, path)


async def _runs(
    known: list[Playbook], playbooks: Mapping[str, Playbook], case: SceneCase, situation: Situation
) -> list[Run]:
    step_types = built_in_step_types()
    labels = Labels.of(case.labels)
    return [await run(each, each.inputs_from(labels), situation, step_types=step_types) for each in known]


def _library() -> dict[str, Playbook]:
    def complain(error: Exception) -> None:
        raise error

    return library([library_dir("playbooks")], built_in_step_types(), on_problem=complain)
