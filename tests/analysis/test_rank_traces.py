"""Ranking by spans and logs: where time is lost, failures begin and habits change."""

from __future__ import annotations

from dataclasses import replace

import incidents
import numpy as np
from incidents import Call

from console.analysis.incidents.behaviour import changed_habits
from console.analysis.incidents.spans import call_paths, losses
from console.analysis.rank import rank
from console.model import Case, Event


def shop(*, db: float = 0.01, to_db: float = 0.002, cart: float = 0.02, **of_cart: object) -> Call:
    database = Call("db", "SELECT", db, to_db, lines=[("INFO", "query took 3 ms")])
    lines = [("INFO", "cart 17 loaded"), ("INFO", "price of cart 17 is 9.50")]
    fields = {"lines": lines} | of_cart
    return Call("web", "GET /", 0.02, calls=[Call("cart", "load", cart, calls=[database], **fields)])  # type: ignore[arg-type]


def first(case: Case) -> str:
    candidates = rank(case).candidates
    return candidates[0].target if candidates else "nothing"


def test_nothing_stands_out_where_the_traces_are_alike() -> None:
    assert first(incidents.traced(shop(), shop())) == "nothing"


def test_slow_work_is_charged_to_the_service_that_does_it() -> None:
    assert first(incidents.traced(shop(), shop(db=0.2))) == "db"
    assert first(incidents.traced(shop(), shop(cart=0.2))) == "cart"


def test_a_caller_that_is_slower_while_its_callee_is_not_loses_time_on_the_wire() -> None:
    case = incidents.traced(shop(), shop(to_db=0.3))
    paths = call_paths(case.spans) if case.spans else None
    assert case.spans is not None
    assert paths is not None
    lost = losses(case.spans, paths, case.current, case.baseline)
    assert lost.own == {}
    assert list(lost.wire) == [("cart", "db")]
    found = rank(case).candidates
    assert {one.target for one in found[:2]} == {"cart", "db"}
    assert found[0].parts["wire"] > 0


def test_the_wire_is_charged_to_the_end_whose_other_calls_are_slow_too() -> None:
    def request(slow: float) -> Call:
        below = [Call("stock", "GET", wire=0.002 + slow), Call("price", "GET", wire=0.002 + slow)]
        return Call("web", "GET /", calls=[Call("cart", "load", wire=0.002 + slow, calls=below), Call("ads", "GET")])

    assert first(incidents.traced(request(0.0), request(0.1))) == "cart"


def test_a_callee_that_does_not_answer_is_blamed_not_the_caller_whose_call_failed() -> None:
    gone = Call("web", "GET /", 0.02, calls=[Call("cart", "load", 0.02, calls=[Call("db", "SELECT", answers=False)])])
    assert first(incidents.traced(shop(), gone)) == "db"


def test_failures_are_charged_where_they_begin() -> None:
    failing = Call("web", "GET /", 0.02, fails=True, calls=[Call("cart", "load", 0.02, fails=True)])
    case = incidents.traced(shop(), failing)
    assert first(case) == "cart"
    assert "failures" in rank(case).candidates[0].parts


def test_a_new_error_in_the_log_names_its_service() -> None:
    lines = [("INFO", "cart 17 loaded"), ("ERROR", "price of cart 17 unknown: connection refused")]
    assert first(incidents.traced(shop(), shop(lines=lines))) == "cart"


def test_a_line_that_is_no_longer_written_is_a_change_of_habit() -> None:
    case = incidents.traced(shop(), shop(lines=[("INFO", "cart 17 loaded")]))
    assert first(case) == "cart"
    habit = _habits(case)[0]
    assert (habit.before, habit.now) == ((40, 40), (0, 40))


def test_a_service_whose_log_was_lost_changed_no_habit() -> None:
    assert not _habits(incidents.traced(shop(), shop(lines=[])))


def test_another_mix_of_requests_is_no_change_of_habit() -> None:
    def request(index: int, every: int) -> Call:
        calls = [Call("cart", "load", 0.02, calls=[Call("db", "SELECT", 0.5)])] if index % every == 0 else []
        return Call("web", "GET /cart" if calls else "GET /", 0.02, calls=calls, lines=[("INFO", f"GET {len(calls)}")])

    telemetry = incidents.Telemetry()
    for index in range(60):
        telemetry.trace(request(index, 6), incidents.START + 10 * index)
        telemetry.trace(request(index, 2), incidents.ONSET + 10 * index)
    spans, logs = telemetry.columns()
    assert first(replace(incidents.case(), spans=spans, logs=logs)) == "nothing"


def test_logs_alone_are_enough() -> None:
    times = [incidents.START + 30 * index for index in range(200)] + [
        incidents.ONSET + 30 * index for index in range(30)
    ]
    services = ["web", "cart"] * 115
    bodies = [f"request {index} served" for index in range(230)]
    for index in range(201, 230, 4):
        bodies[index] = f"cannot write order {index}: no space left on device"
    severities = ["ERROR" if "cannot" in body else "INFO" for body in bodies]
    case = replace(incidents.case(), logs=incidents.log_lines(times, services, severities, bodies))
    assert first(case) == "cart"
    assert "no space left" in rank(case).candidates[0].why


def test_changes_and_services_are_in_one_list() -> None:
    deploy = Event(incidents.ONSET - 60, "deploy", "cart", "cart 2.1", id="d1", detail="price lookup rewritten")
    lines = [("INFO", "cart 17 loaded"), ("ERROR", "price of cart 17 unknown: lookup refused")]
    found = rank(replace(incidents.traced(shop(), shop(lines=lines)), events=(deploy,))).candidates
    assert {one.kind for one in found} == {"service", "event"}
    assert {one.target for one in found if one.kind == "event"} <= {"d1", "none"}


def test_spans_that_go_round_in_a_circle_or_have_no_end_harm_nothing() -> None:
    case = incidents.traced(shop(), shop(db=0.2))
    assert case.spans is not None
    parent, ends = case.spans.parent.copy(), case.spans.ends.copy()
    parent[:2] = [1, 0]
    ends[5:9] = np.nan
    assert first(replace(case, spans=replace(case.spans, parent=parent, ends=ends))) == "db"


def _habits(case: Case):  # type: ignore[no-untyped-def]
    assert case.spans is not None
    return changed_habits(case.spans, call_paths(case.spans), case.logs, case.current, case.baseline)
