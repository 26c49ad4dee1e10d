"""Everything that may be asked of the daemon, by subject: one module each, all of them listed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.service.house import House
from console.service.operation import Operation
from console.service.operations import (
    acting,
    alerts,
    bundles,
    curves,
    drifts,
    explaining,
    gpus,
    incidents,
    looking,
    plans,
    reading,
    runs,
    windows,
)

Offer = Callable[[House], tuple[Operation, ...]]
OFFERS: tuple[Offer, ...] = (
    reading.operations,
    acting.operations,
    runs.operations,
    incidents.operations,
    bundles.operations,
    windows.operations,
    gpus.operations,
    curves.operations,
    drifts.operations,
    alerts.operations,
    plans.operations,
    explaining.operations,
    looking.operations,
)


def all_operations(house: House) -> Mapping[str, Operation]:
    """Every operation of one daemon, by name."""
    return {operation.name: operation for offer in OFFERS for operation in offer(house)}
