"""The windows of a run, and of those of its steps that look elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.errors import NoData, UsageError
from console.model import StepResult, Window
from console.playbook.definition import Playbook, Step
from console.sources.estate import Situation
from console.sources.windows import baseline_window, current_window


class RunWindows:
    """Resolves windows once a run. An empty baseline says in its note why it is empty."""

    def __init__(
        self, playbook: Playbook, situation: Situation, current: str | Window | None, baseline: Any | None
    ) -> None:
        self._situation = situation
        if isinstance(baseline, Mapping) and "before" in baseline:
            raise UsageError("a baseline before an onset must stand in the playbook", "it names one of its steps")
        self._spec = playbook.baseline if baseline is None else baseline
        self.current = (
            current if isinstance(current, Window) else current_window(current or playbook.current, situation.now)
        )
        self.baseline = self._baseline(self._spec, self.current, None)

    def of(self, step: Step, results: Mapping[str, StepResult]) -> tuple[Window, Window]:
        """(current, baseline) of one step."""
        spec = self._spec if step.baseline is None else step.baseline
        if step.current is None and spec is self._spec and "before" not in (spec if isinstance(spec, Mapping) else ()):
            return self.current, self.baseline
        current = self.current if step.current is None else current_window(step.current, self._situation.now)
        named = results.get(str(spec.get("of"))) if isinstance(spec, Mapping) else None
        return current, self._baseline(spec, current, named.values.get("onset") if named else None)

    def _baseline(self, spec: Any, current: Window, onset: float | None) -> Window:
        if isinstance(spec, Window):
            return spec
        try:
            return baseline_window(spec, current, self._situation, onset=onset)
        except NoData as error:
            return Window((), note=error.message)
