"""Which playbooks fit a symptom: by the signal that moved, by the alert's labels, or by the words used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from console.model import Symptom
from console.playbook.definition import Playbook, Trigger

WORD = re.compile(r"[a-z0-9]+")
# The last two are the cord's own: who pulls it without a word has said nothing.
STOP_WORDS = frozenset(
    "a an and are at for from has have in is it its of on or our than that the there to up was with cord pulled".split()
)
MOST_BY_WORDS = 3


def pick(symptoms: Sequence[Symptom], playbooks: Mapping[str, Playbook]) -> list[Playbook]:
    """The playbooks to run, in the order of the symptoms; by words only where no trigger fits.

    What a person says is looked into beside any trigger; where it fits no playbook, all are run that can be told what
    they must know: who pulls the cord wants everything looked at.
    """
    fitting = [
        playbook
        for symptom in symptoms
        for playbook in playbooks.values()
        if any(_fires(trigger, symptom) for trigger in playbook.triggers)
    ]
    spoken = [symptom for symptom in symptoms if not symptom.signal and not symptom.alert]
    if spoken:
        everything = [playbook for playbook in playbooks.values() if _can_be_told(playbook, symptoms)]
        fitting += _by_words(spoken, playbooks.values()) or everything
    elif not fitting:
        fitting = _by_words(symptoms, playbooks.values())
    return list({playbook.name: playbook for playbook in fitting}.values())


def _fires(trigger: Trigger, symptom: Symptom) -> bool:
    if trigger.signal is not None:
        return trigger.signal == symptom.signal and trigger.verdict == symptom.verdict
    return bool(trigger.alert) and all(
        fnmatchcase(symptom.alert.value(name) or "", pattern) for name, pattern in trigger.alert
    )


def _by_words(symptoms: Sequence[Symptom], playbooks: Iterable[Playbook]) -> list[Playbook]:
    said = {stem for symptom in symptoms for stem in _stems(symptom.text) - _names(symptom)}
    scored = [(len(said & _vocabulary(playbook)), playbook) for playbook in playbooks]
    best = max((score for score, _ in scored), default=0)
    if best == 0:
        return []
    # Half as good as the best is still worth a run: words are a weak guide, the numbers decide.
    close = sorted((pair for pair in scored if pair[0] * 2 >= best), key=lambda pair: -pair[0])
    return [playbook for _score, playbook in close[:MOST_BY_WORDS]]


def _can_be_told(playbook: Playbook, symptoms: Sequence[Symptom]) -> bool:
    """Whether the labels say all that it must know, or what its triggers see might."""
    told = {name for symptom in symptoms for name in playbook.inputs_from(symptom.labels)}
    missing = [name for name, each in playbook.inputs.items() if each.default is None and name not in told]
    return not missing or bool(playbook.trigger_checks)


def _names(symptom: Symptom) -> set[str]:
    """What a person's words are about, which says nothing of what is wrong: a model may well be called `answers`."""
    return set() if symptom.alert else {stem for _label, value in symptom.labels for stem in _stems(value)}


def _vocabulary(playbook: Playbook) -> set[str]:
    texts = [playbook.name, playbook.title, *(trigger.signal or "" for trigger in playbook.triggers)]
    texts += [step.title for step in playbook.steps] + [cause.title for cause in playbook.causes]
    return {stem for text in texts for stem in _stems(text)}


def _stems(text: str) -> set[str]:
    words = (word for word in WORD.findall(text.lower()) if word not in STOP_WORDS)
    return {word[:-1] if word.endswith("s") and len(word) > 3 else word for word in words}
