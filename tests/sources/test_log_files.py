"""Logs in files: found by time, read in pieces, never whole; rotated, compressed, half written, monstrous."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.config import SourceConfig
from console.errors import ConfigError, SourceDenied, SourceError, SourceMalformed
from console.model import Labels, LogLine, Span
from console.plugins import load_plugins
from console.sources import log_pieces, log_reading
from console.sources.log_files import LogFiles, open_logs, stem
from console.sources.opening import close, from_argument, open_estate
from console.sources.types import LogRequest

NOON = 1_795_348_800.0
DAY = Span(NOON, NOON + 86_400)


@pytest.fixture(autouse=True)
def _a_busy_machine_has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "LOOK_SECONDS", 120.0)


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wrote(path: Path, lines: Iterable[tuple[float, str]], changed: float | None = None) -> Path:
    pack = gzip.open if path.suffix == ".gz" else open
    with pack(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{stamp(at)} {text}\n" for at, text in lines)
    os.utime(path, (changed or DAY.end,) * 2)
    return path


def opened(path: Path | str, **options: Any) -> LogFiles:
    return open_logs("app", str(path), zone="UTC", **options)


def read(source: LogFiles, span: Span = DAY, **request: Any) -> list[LogLine]:
    where = Labels.of(request.pop("where", {}))
    return list(source.logs(LogRequest(span, where, **request)))


def test_the_lines_of_a_span_are_read_and_no_others(tmp_path: Path) -> None:
    path = wrote(tmp_path / "cart.log", [(NOON + 60 * n, f"INFO served {n}") for n in range(100)])
    lines = read(opened(path), Span(NOON + 600, NOON + 900))
    assert [line.body.rpartition(" ")[2] for line in lines] == ["10", "11", "12", "13", "14"]
    assert {(line.service, line.severity, line.stands_for) for line in lines} == {("cart", "info", 1.0)}


def test_a_big_file_is_searched_by_time_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wrote(tmp_path / "big.log", [(NOON + n / 10, f"INFO served request {n} in 17 ms") for n in range(200_000)])
    read_bytes = 0
    open_it = Path.open

    def counting(self: Path, *arguments: Any, **named: Any) -> Any:
        file = open_it(self, *arguments, **named)
        read_it = file.read

        class Counting:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

            def read(self, *arguments: Any) -> Any:
                nonlocal read_bytes
                data = read_it(*arguments)
                read_bytes += len(data)
                return data

        return Counting()

    monkeypatch.setattr(Path, "open", counting)
    lines = read(opened(path), Span(NOON + 10_000, NOON + 10_010))
    assert [line.body.split()[2] for line in (lines[0], lines[-1])] == ["100000", "100099"]
    assert len(lines) == 100
    assert path.stat().st_size > 8_000_000
    assert read_bytes < 1_000_000


def test_where_there_is_too_much_the_thinning_is_even_and_said(tmp_path: Path) -> None:
    path = wrote(tmp_path / "big.log", [(NOON + n / 100, f"INFO served request {n} in 17 ms") for n in range(100_000)])
    lines = read(opened(path), Span(NOON, NOON + 1000), most=500)
    assert len(lines) == 500
    quarters = [sum(NOON + 250 * q <= line.time < NOON + 250 * (q + 1) for line in lines) for q in range(4)]
    assert all(80 < quarter < 170 for quarter in quarters)
    assert 90_000 < sum(line.stands_for for line in lines) < 110_000


def test_only_trouble_or_only_words_are_found_wherever_they_stand(tmp_path: Path) -> None:
    many = [(NOON + n / 100, f"INFO served request {n} in 17 ms") for n in range(50_000)]
    many[31_234] = (NOON + 312.34, "ERROR card 17 refused by issuer")
    many[41_234] = (NOON + 412.34, "INFO Überweisung nach Zürich")
    source = opened(wrote(tmp_path / "big.log", many))
    assert [line.body for line in read(source, grave=True)] == ["card 17 refused by issuer"]
    assert [line.body for line in read(source, words="REFUSED by")] == ["card 17 refused by issuer"]
    assert [line.stands_for for line in read(source, words="zürich")] == [1.0]


def test_lines_without_a_time_belong_to_the_one_above(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(
        f"{stamp(NOON + 1)} ERROR failed\nTraceback (most recent call last):\n"
        "  File 'x.py', line 1\nKeyError: 'price'\n"
        f"{stamp(NOON + 2)} INFO served\n"
    )
    os.utime(path, (DAY.end, DAY.end))
    bodies = [line.body for line in read(opened(path))]
    assert bodies[0].endswith("KeyError: 'price'")
    assert len(bodies) == 2


def test_what_was_rotated_and_compressed_is_read_too_and_what_is_too_old_is_not_opened(tmp_path: Path) -> None:
    wrote(tmp_path / "cart.log", [(NOON + 300, "INFO now")])
    wrote(tmp_path / "cart.log.1", [(NOON + 200, "INFO before")], NOON + 250)
    wrote(tmp_path / "cart.log.2.gz", [(NOON + 100, "INFO packed")], NOON + 150)
    wrote(tmp_path / "cart.log.3.gz", [(NOON - 900, "INFO old")], NOON - 800).chmod(0)
    wrote(tmp_path / "cart.log.bak", [(NOON + 1, "INFO a copy")])
    lines = read(opened(tmp_path / "cart.log"))
    assert [(line.body.split()[-1], line.service) for line in lines] == [
        ("packed", "cart"), ("before", "cart"), ("now", "cart"),
    ]  # fmt: skip
    assert [line.body.split()[-1] for line in read(opened(tmp_path / "*.log"))] == ["packed", "before", "now"]


def test_labels_that_the_source_knows_choose_and_others_do_not(tmp_path: Path) -> None:
    wrote(tmp_path / "cart.log", [(NOON + 1, "INFO a")])
    wrote(tmp_path / "pay.log", [(NOON + 2, "INFO b")])
    source = opened(tmp_path / "*.log", model="glove", labels={"namespace": "shop"})
    assert len(read(source, where={"model": "glove", "pod": "whatever"})) == 2
    assert read(source, where={"model": "shoe"}) == []
    assert read(source, where={"namespace": "bank"}) == []
    assert [line.service for line in read(source, where={"service": "pay"})] == ["pay"]
    assert {line.service for line in read(opened(tmp_path / "*.log", service="shop"))} == {"shop"}


def test_a_monstrous_line_binary_and_half_characters_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "odd.log"
    with path.open("wb") as file:
        file.write(f"{stamp(NOON + 1)} INFO first\n".encode())
        file.write(f"{stamp(NOON + 2)} ERROR {'x' * 10_000_000}\n".encode())
        file.write(bytes(range(256)) * 1000 + b"\n")
        file.write(f"{stamp(NOON + 3)} INFO last ".encode() + b"\xff\xfe \xc3\x1b[2J\n")
        file.write(f"{stamp(NOON + 4)} INFO being wri".encode())
    os.utime(path, (DAY.end, DAY.end))
    lines = read(opened(path), most=40_000)
    told = [line.body[:15] for line in lines]
    assert told[0] == "first"
    assert any(each.startswith("last") for each in told)
    assert all(len(line.body) <= 4000 for line in lines)
    assert [line.body[:6] for line in read(opened(path), Span(NOON + 3, NOON + 4), most=40_000)] == ["last �"]


def test_a_packed_bomb_and_broken_gzip_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pieces, "MOST_INFLATED", 1 << 20)
    with gzip.open(tmp_path / "a.log.gz", "wt") as file:
        file.write(f"{stamp(NOON + 1)} INFO first\n" + "\n" * 5_000_000)
    (tmp_path / "b.log.gz").write_bytes(b"\x1f\x8b" + b"broken" * 100)
    half = gzip.compress(b"".join(f"{stamp(NOON + n)} INFO {os.urandom(20).hex()}\n".encode() for n in range(5000)))
    (tmp_path / "c.log.gz").write_bytes(half[: len(half) // 2])
    for path in tmp_path.iterdir():
        os.utime(path, (DAY.end, DAY.end))
    lines = read(opened(tmp_path / "*.gz"))
    assert any("first" in line.body for line in lines)
    assert 1000 < len(lines) < 4000


def test_memory_is_bounded_however_many_lines_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wrote(tmp_path / "e.log", [(NOON + n / 100, f"ERROR failed {n}") for n in range(20_000)])
    held = []
    close_it = log_reading._Gathering.close

    def watching(self: Any) -> None:
        close_it(self)
        held.append(len(self.lines))

    monkeypatch.setattr(log_reading._Gathering, "close", watching)
    lines = read(opened(path), grave=True, most=100)
    assert len(lines) == 100
    assert max(held) <= 800
    assert sum(line.stands_for for line in lines) == pytest.approx(20_000, rel=0.02)


def test_reading_ends_in_time_and_what_came_stands_for_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "LOOK_SECONDS", -1.0)
    path = wrote(tmp_path / "e.log", [(NOON + n / 100, f"INFO served {n}") for n in range(20_000)])
    lines = read(opened(path), most=20_000)
    assert 0 < len(lines) < 10_000  # the first piece
    assert sum(line.stands_for for line in lines) == pytest.approx(20_000, rel=0.05)


def test_what_cannot_be_read_is_said_and_what_is_no_log_too(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"source app: there is no file .*nowhere\.log"):
        read(opened(tmp_path / "nowhere.log"))
    plain = tmp_path / "plain.log"
    plain.write_text("one\ntwo\nthree\n")
    os.utime(plain, (DAY.end, DAY.end))
    with pytest.raises(SourceMalformed, match=r"no line of .*plain\.log has a time"):
        read(opened(plain))
    with pytest.raises(SourceMalformed, match="no line of"):
        opened(plain).check()
    with pytest.raises(ConfigError, match="no time zone 'Mars/Olympus'"):
        open_logs("app", str(plain), zone="Mars/Olympus")
    if os.getuid():
        plain.chmod(0)
        with pytest.raises(SourceDenied, match="may not be read"):
            read(opened(plain))


def test_an_empty_log_and_a_quiet_span_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert read(opened(tmp_path / "empty.log"), Span(0, 1)) == []
    assert opened(tmp_path / "empty.log").check().newest is None
    path = wrote(tmp_path / "cart.log", [(NOON + 60 * n, "INFO served") for n in range(3)])
    assert read(opened(path), Span(NOON + 3600, NOON + 7200)) == []
    status = opened(path).check()
    assert (status.state, status.newest) == ("ok", NOON + 120)


def test_a_file_is_called_after_its_service() -> None:
    names = ("/var/log/cart.log.2.gz", "/l/pay.log-20261122", "/l/x.jsonl", "/l/syslog", "/l/a.b.out.1")
    assert [stem(path) for path in names] == ["cart", "pay", "x", "syslog", "a.b"]


async def test_it_lives_in_a_child_and_a_path_on_the_command_line_is_enough(tmp_path: Path) -> None:
    path = wrote(tmp_path / "cart.log", [(NOON + 1, "ERROR lost trace_id=0af7651916cd43dd8448eb211c80319c")])
    plugins = load_plugins()
    config = from_argument(f"app={path}", plugins)
    assert config.kind == "logs"
    estate = await open_estate([SourceConfig("app", "logs", dict(config.options) | {"zone": "UTC"})], plugins)
    try:
        (line,) = await estate.logs["app"].logs(LogRequest(DAY, Labels.of(model="any"), "lost", True, 10))
        assert (line.time, line.service, line.severity, line.trace[:4]) == (NOON + 1, "cart", "error", "0af7")
    finally:
        await close(estate)
    assert {from_argument(f"x={other}", plugins).kind for other in ("a.jsonl", "events.jsonl", "host")} == {
        "table", "events", "host",
    }  # fmt: skip
    assert from_argument("x=logs:/var/log/syslog", plugins).options == {"path": "/var/log/syslog"}


def test_an_answer_fits_through_its_pipe(tmp_path: Path) -> None:
    path = wrote(tmp_path / "e.log", [(NOON + n / 100, "ERROR " + "x" * 3_900) for n in range(2_000)])
    lines = read(opened(path), grave=True, most=2_000)
    assert len(lines) == 2_000
    assert sum(len(line.body) for line in lines) <= 2_000_000
