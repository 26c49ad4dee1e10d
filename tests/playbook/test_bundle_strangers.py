"""A bundle from a stranger is refused in one sentence, or replayed: it crashes nothing, and fills no memory."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import zlib

import numpy as np
import pytest
from bundle_world import TEXT, a_recording, everything

from console.cli import run
from console.errors import BundleError
from console.model import Frame, Incident, Kind, Labels, Note, Series, SeriesKey, Symptom
from console.playbook.bundles import file
from console.playbook.bundles.packing import Allowance, packed_answer, unpacked, unpacked_answer
from console.playbook.bundles.testing import run_test
from console.playbook.definition import Expectation, PlaybookTest
from console.playbook.loader import built_in_step_types
from console.triage.replay import replay
from console.wire import dump

READ, LOGS, EVENTS, TRACES = "read", "logs", "events", "spans"
WRONG = (None, 5, "x", [1], {"a": 1}, ["a", "b"], float("nan"))


@pytest.fixture(scope="module")
def data():
    bundle, _diagnosis = asyncio.run(a_recording())
    return file.to_bytes(bundle)


def altered(data, sql, *values):
    """The file after one statement; a value that is no bytes is packed as a bundle packs it."""
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.deserialize(data)
        connection.execute(sql, [zlib.compress(each if isinstance(each, bytes) else json.dumps(each).encode())
                                 for each in values])  # fmt: skip
        return connection.serialize()


def head(data, key, value):
    return altered(data, f"UPDATE head SET value = ? WHERE key = '{key}'", value)


def asked(data, call):
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.deserialize(data)
        ((question,),) = connection.execute("SELECT question FROM held WHERE call = ? LIMIT 1", (call,))
        return json.loads(zlib.decompress(question))


def refused(data):
    with pytest.raises(BundleError) as caught:
        file.from_bytes(data)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (READ, ("signal", "spans", "where", "by")),
        (LOGS, ("span", "where", "words", "most")),
        (EVENTS, ("span", "kinds")),
        (TRACES, ("span", "where")),
    ],
)
def test_a_question_of_another_form_is_refused_when_the_file_is_read(data, call, names):
    question = asked(data, call)
    sql = f"UPDATE held SET question = ? WHERE call = '{call}'"
    file.from_bytes(altered(data, sql, question))
    for name in names:
        others = [each for each in WRONG if type(each) is not type(question[name])]
        for wrong in others:
            assert "nobody asks" in refused(altered(data, sql, {**question, name: wrong}))
        assert "nobody asks" in refused(altered(data, sql, {key: question[key] for key in question if key != name}))


def test_a_question_within_questions_within_questions_is_refused(data):
    deep = b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"
    assert "nobody asks" in refused(altered(data, "UPDATE held SET question = ? WHERE call = 'profiles'", deep))
    assert "cannot be read" in refused(head(data, "symptoms", b"[" * 200_000 + b"]" * 200_000))


@pytest.mark.parametrize("when", [float("nan"), float("inf"), -1.0, 1e18])
@pytest.mark.parametrize("key", ["now", "created", "interval"])
def test_a_time_that_no_calendar_has_is_refused(data, key, when):
    assert "calendar" in refused(head(data, key, when))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_an_incident_that_no_daemon_could_tell_on_is_refused(data, number):
    """Taken in, it was there and could not be shown; a run that began at NaN stopped the import half way."""
    incident = dump(Incident("I-1", "slow", "open", 1.0, Symptom("slow"), "chat", notes=(Note(1.0, "ada", "so"),)))
    file.from_bytes(head(data, "incident", incident))
    assert "right form" in refused(head(data, "incident", {**incident, "opened": number}))
    assert "right form" in refused(
        head(data, "incident", {**incident, "notes": [{"time": number, "operator": "a", "text": ""}]})
    )
    diagnosis = dump(file.from_bytes(data).diagnosis)
    diagnosis["runs"][0]["started"] = number
    assert "right form" in refused(head(data, "diagnosis", diagnosis))


def test_sources_are_of_a_known_kind_and_have_its_questions_alone(data):
    good = {"place": "readers", "name": "9" * 6000, "calls": ["read"]}
    file.from_bytes(head(data, "sources", [good]))
    for wrong in ({"place": "silencers"}, {"calls": ["__class__", "read"]}, {"calls": ["logs"]}):
        assert "there is not" in refused(head(data, "sources", [{**good, **wrong}]))
    assert "more than 1,000" in refused(head(data, "sources", [good] * 1001))


async def test_a_source_with_a_number_as_long_as_a_book_is_a_source(data):
    named = head(data, "sources", [{"place": "readers", "name": "9" * 6000, "calls": ["read", "signals"]}])
    assert (await replay(file.from_bytes(named), {"everything": everything()}, built_in_step_types())).runs


def test_few_bytes_do_not_become_gigabytes(data):
    """60 million empty lists are 250 kB in the file, 180 MB of words, and were 4.6 GB of objects."""
    many = b"[" + b"[]," * 6_000_000 + b"[]]"
    for broken in (head(data, "left_out", many), altered(data, "UPDATE held SET answer = ? WHERE call = 'logs'", many)):
        assert "more than a bundle may hold" in refused(broken)
    with pytest.raises(BundleError, match="says more"):
        unpacked(zlib.compress(b"[[],[]]"), Allowance(parts=3))


def test_half_a_character_is_no_text(data):
    """No format can print it, and a label of another script must still be read."""
    symptom = b'[{"text":"%s","signal":null,"labels":{"model":"chat"},"verdict":null,"alert":{}}]'
    for half in (rb"\ud800", rb"a\udfffb", b"\xed\xa0\x80"):
        assert "cannot be read" in refused(head(data, "symptoms", symptom % half))
    assert file.from_bytes(head(data, "symptoms", symptom % rb"\ud83d\ude00")).symptoms[0].text == "\U0001f600"
    series = Series(SeriesKey("model.ttft", Labels.of(replica="\U0001f600 \ud800"), Kind.GAUGE), np.array([1.0]))
    frame = Frame(np.array([1.0]), 1.0, (series,))
    again = unpacked_answer("read", packed_answer("read", frame), Allowance())
    assert again.series[0].key.labels.value("replica") == "\U0001f600 ?"


@pytest.mark.parametrize("edges", [(float("nan"),), (float("nan"), float("inf")), (2.0, 1.0), (1.0, 1.0)])
def test_buckets_in_no_order_are_refused(edges):
    """Two windows could not be laid on the same buckets, and the run ended in a traceback."""
    key = SeriesKey("model.ttft", Labels.of(), Kind.HISTOGRAM, edges)
    packed_frame = packed_answer("read", Frame(np.array([1.0]), 1.0, (Series(key, np.ones((1, len(edges)))),)))
    with pytest.raises(BundleError, match="order"):
        unpacked_answer("read", packed_frame, Allowance())


def test_a_step_of_no_number_is_refused():
    good = zlib.decompress(packed_answer("read", Frame(np.array([1.0]), 1.0)))
    for step in (b"1" + b"0" * 400, b"NaN", b"0.0", b"-1.0", b'"x"'):
        words = good[4:].replace(b"1.0", step, 1)
        size = int.from_bytes(good[:4], "little") + len(step) - len(b"1.0")
        with pytest.raises(BundleError):
            unpacked_answer("read", zlib.compress(size.to_bytes(4, "little") + words), Allowance())


def test_an_array_of_no_possible_shape_is_refused():
    times = np.arange(1.0, 4.0)
    good = zlib.decompress(packed_answer("read", Frame(times, 1.0)))
    for shape in (b"[0,1e99]", b"[-3]", b"[3,1,1]", b"[99999999999999999999999,0]"):
        words = good[4:].replace(b"[3]", shape, 1)
        size = int.from_bytes(good[:4], "little") + len(shape) - len(b"[3]")
        with pytest.raises(BundleError):
            unpacked_answer("read", zlib.compress(size.to_bytes(4, "little") + words), Allowance())


def test_numbers_too_large_for_half_the_bytes_are_kept_without_a_word(recwarn):
    frame = Frame(np.array([1.0, 2.0]), 1e300)
    large = Frame(np.array([1.0, 1e300]), 1.0)
    for each in (frame, large):
        again = unpacked_answer("read", packed_answer("read", each), Allowance())
        assert again.times.tolist() == each.times.tolist()
    assert not recwarn.list


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "no bundle", "nul", "nothing"])
async def test_a_test_of_a_file_that_is_no_bundle_ends_at_once_in_one_sentence(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/dev/zero")
    named = {"device": "/dev/zero", "link to a device": "link", "no bundle": "/etc/passwd", "nul": "a\0b"}.get(
        kind, kind
    )
    test = PlaybookTest(named, Expectation("none"), {})
    result = await asyncio.wait_for(run_test(everything(), test, built_in_step_types(), {}), 5)
    assert result.error
    assert result.hint
    assert "root:" not in result.error


@pytest.mark.parametrize(
    "arguments", [("replay", "FILE"), ("replay", "FILE", "--as-recorded"), ("playbook", "test", "BOOK")]
)
def test_neither_a_replay_nor_a_test_opens_a_connection(data, tmp_path, monkeypatch, capsys, arguments):
    """Whoever is named in a bundle or in the configuration: nobody is asked, not even by name."""

    def forbidden(*_arguments, **_named):
        raise AssertionError("a connection was opened")

    (tmp_path / "it.andon").write_bytes(data)
    test = "tests: [{bundle: it.andon, expect: {cause: kv_cache_exhausted}}]"
    (tmp_path / "everything.yaml").write_text(f"{TEXT}\n{test}\n")
    config = tmp_path / "config.toml"
    config.write_text('[sources.far]\nkind = "prometheus"\nurl = "http://127.0.0.1:9/"\n')
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, forbidden)
    named = {"FILE": str(tmp_path / "it.andon"), "BOOK": str(tmp_path / "everything.yaml")}
    told = [named.get(each, each) for each in arguments]
    jobs = ["--jobs", "1"] if "test" in told else ["--plain"]
    run(["--config", str(config), "--data", str(tmp_path / "data"), *told, *jobs])
    said = capsys.readouterr()
    assert any(each in said.out + said.err for each in ("1 of 1 as expected", "KV cache is full", "recorded: degraded"))


def test_no_text_of_a_bundle_reaches_the_terminal_as_more_than_text(data, tmp_path, capsys):
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r\x00\u2028"
    diagnosis = dump(file.from_bytes(data).diagnosis)
    for cause in diagnosis["causes"]:
        cause |= {"title": evil, "subject": evil, "id": evil}
    hostile = head(head(data, "diagnosis", diagnosis), "left_out", [evil])
    failure = zlib.compress(json.dumps({"kind": "SourceDenied", "message": evil, "hint": evil}).encode())
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.deserialize(hostile)
        connection.execute("UPDATE held SET answer = NULL, failure = ?", [failure])
        (tmp_path / "it.andon").write_bytes(connection.serialize())
    run(["--data", str(tmp_path / "data"), "replay", str(tmp_path / "it.andon"), "--as-recorded", "--plain"])
    told = capsys.readouterr()
    assert "evil" in told.out
    assert "evil" in told.err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", told.out + told.err)
