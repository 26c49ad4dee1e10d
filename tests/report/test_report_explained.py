"""What a run's answer hangs on, as text."""

from console.playbook.explaining import Explanation, Missing, WhatIf
from console.report.explained import explained_report

WAYS = (WhatIf("it is degraded", "kv_full", 12.0, True), WhatIf("it is ok", None, 0.1, False))
KV = Missing(
    "kv", "Is the KV cache full?", "no_source", "absent: no source has model.kv.usage", 8.0,
    "a source has to be set up", "read model.kv.usage: \x1b[31mPress has it", WAYS, 0.3,
)  # fmt: skip
IDLE = Missing("load", "Load?", "samples", "too few", 2.0, "it comes by itself", "wait", (), 0.0)


def test_it_says_what_would_change_what_it_costs_and_what_to_do() -> None:
    shown = explained_report(Explanation("p", "r1", None, 0.1, (KV, IDLE)), width=80)
    assert shown.splitlines()[0] == "p r1: no cause is named (odds 0.1)"
    assert "1. Is the KV cache full? (kv)" in shown
    assert "it is degraded: kv_full is first (odds 12)\n" in shown
    assert "it is ok: no cause is named (odds 0.1), as now" in shown
    assert "8: a source has to be set up" in shown
    assert "missing too, and moving no cause: load" in shown
    assert "\x1b" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_where_nothing_would_change_it_says_so() -> None:
    assert "nothing that is missing would change it" in explained_report(Explanation("p", "r1", "load", 30.0, ()))
