import numpy as np

from console.analysis.incidents.news import gravity_of, log_news, log_scores
from console.model import LogLines, Span, Window

BASELINE = Window((Span(0, 3600),), "span")
CURRENT = Window((Span(3600, 4200),))


def lines_of(*rows):
    """Rows of (service, severity, body, times)."""
    flat = sorted((float(at), service, severity, body) for service, severity, body, times in rows for at in times)
    services, severities = sorted({row[1] for row in flat}), sorted({row[2] for row in flat})
    return LogLines(
        times=np.array([row[0] for row in flat]),
        service=np.array([services.index(row[1]) for row in flat], dtype=np.intp),
        severity=np.array([severities.index(row[2]) for row in flat], dtype=np.intp),
        span=np.full(len(flat), -1),
        bodies=tuple(row[3] for row in flat),
        services=tuple(services),
        severities=tuple(severities),
    )


def every(step, start=0, end=4200):
    return np.arange(start, end, step)


def test_a_new_error_names_its_service():
    lines = lines_of(
        ("cart", "INFO", "served 17 items", every(10)),
        ("pay", "INFO", "served 17 cards", every(10)),
        ("pay", "ERROR", "card 17 refused by issuer", every(20, start=3700)),
    )
    news = log_news(lines, CURRENT, BASELINE)
    assert [(one.service, one.change, one.current, one.baseline) for one in news] == [("pay", "new", 25, 0)]
    assert news[0].first == 3700
    assert news[0].example == "card 17 refused by issuer"
    assert max(log_scores(news)) == "pay"


def test_an_error_that_was_always_there_is_no_news():
    lines = lines_of(
        ("cart", "INFO", "served 17 items", every(10)), ("cart", "ERROR", "basket 4 is locked", every(30)),
        ("pay", "INFO", "served 17 cards", every(10)),
    )  # fmt: skip
    assert log_news(lines, CURRENT, BASELINE) == ()


def test_more_of_everything_is_traffic_and_no_news():
    doubled = np.r_[every(20, end=3600), every(4, start=3600)]
    busy = [("cart", "INFO", f"{word} done in 17 ms", doubled) for word in ("read", "write", "list", "drop")]
    assert log_news(lines_of(*busy), CURRENT, BASELINE) == ()


def test_a_warning_that_surged_and_a_line_that_vanished_are_news_and_errors_weigh_more():
    lines = lines_of(
        ("cart", "INFO", "served 17 items", every(10)), ("pay", "INFO", "served 17 cards", every(10)),
        ("ship", "INFO", "served 17 boxes", every(10)),
        ("cart", "WARN", "slow basket", np.r_[every(300, end=3600), every(5, start=3600)]),
        ("pay", "INFO", "settled batch 17", every(15, end=3600)),
        ("ship", "ERROR", "no label for box 17", every(100, start=3600)),
    )  # fmt: skip
    news = {one.service: one for one in log_news(lines, CURRENT, BASELINE)}
    assert {service: one.change for service, one in news.items()} == {
        "cart": "surged",
        "pay": "vanished",
        "ship": "new",
    }
    assert news["ship"].score > news["cart"].score > news["pay"].score


def test_windows_of_any_length_are_compared_by_rate():
    tiny = Window((Span(3500, 3600),), "span")
    steady = lines_of(*((name, "WARN", "queue is long", every(7)) for name in ("a", "b", "c")))
    assert log_news(steady, CURRENT, tiny) == ()
    assert log_news(steady, tiny, CURRENT) == ()


def test_a_single_error_line_is_news_but_a_single_line_of_chatter_is_not():
    common = [(name, "INFO", "served 1 page", every(10)) for name in ("a", "b", "c")]
    lines = lines_of(*common, ("a", "FATAL", "cannot bind port", [3900]), ("b", "INFO", "config reloaded", [3900]))
    assert [(one.service, one.severity) for one in log_news(lines, CURRENT, BASELINE)] == [("a", "fatal")]


def test_severities_are_told_whatever_a_logger_calls_them():
    assert [gravity_of(word) for word in ("WARNING", "Err", "CRITICAL", "", "notice", "E", "Level 7")] == [
        "warn", "error", "fatal", "info", "info", "error", "info",
    ]  # fmt: skip


def test_logs_without_lines_have_no_news():
    assert log_news(lines_of(), CURRENT, BASELINE) == ()
    assert log_scores(()) == {}
