"""The cord: anyone may pull it, about anything. What was pulled on becomes a symptom that playbooks can be told."""

from __future__ import annotations

from collections.abc import Container

from console.model import Labels, Symptom


def pulled(subject: str, text: str, models: Container[str]) -> Symptom:
    """The symptom of a pulled cord. A model that is known is labelled as one, and so is `HOST/GPU`.

    >>> pulled("press-2/0", "", models=()).labels
    (('gpu', '0'), ('host', 'press-2'))
    """
    host, _slash, gpu = subject.rpartition("/")
    labels = Labels()
    if subject in models:
        labels = Labels.of(model=subject)
    elif host and gpu.isdecimal():
        labels = Labels.of(host=host, gpu=gpu)
    return Symptom(text or f"the cord was pulled on {subject}", labels=labels)
