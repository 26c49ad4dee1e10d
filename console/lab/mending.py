"""What is broken on a line, and whether it was mended: by the remedy that the fault's manifest names, and by no other.

A remedy that is taken back breaks it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from console.lab.desk import Desk
from console.lab.manifest import expected
from console.lab.place import Place
from console.plugins import LabFault


@dataclass(slots=True)
class _Broken:
    fault: LabFault
    parameters: Mapping[str, Any]
    before: Mapping[str, Any]  # what stood on the desk where it can be mended, by place, when it broke
    is_mended: bool = False


@dataclass(slots=True)
class Mending:
    """The faults of one line."""

    place: Place
    desk: Desk
    _broken: list[_Broken] = field(default_factory=list)

    def inject(self, fault: LabFault, parameters: Mapping[str, Any]) -> None:
        """Break it, and remember how the desk looked."""
        fault.inject(self.place, parameters)
        self._broken.append(_Broken(fault, parameters, self._standing(fault, parameters)))

    def heal(self) -> None:
        """All is as it was before."""
        for broken in self._broken:
            broken.fault.heal(self.place)
        self._broken.clear()

    def look(self) -> None:
        """Have what was done at the desk take effect."""
        if not self._broken:
            return
        for broken in self._broken:
            was_done = self._standing(broken.fault, broken.parameters) != broken.before
            if was_done and not broken.is_mended:
                broken.fault.mend(self.place)
            elif broken.is_mended and not was_done:
                broken.fault.inject(self.place, broken.parameters)
            broken.is_mended = was_done

    def _standing(self, fault: LabFault, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What stands on the desk where this fault can be mended, by place."""
        wanted = [f"{action} {target}" for action, target in expected(fault.mended_by, parameters).items()]
        return {
            spot: setting.value
            for spot, setting in self.desk.settings().items()
            if setting.value is not None and any(fnmatchcase(spot, each) for each in wanted)
        }
