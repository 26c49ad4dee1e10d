"""A bundle says again what every source said, in one file, whatever becomes of the sources."""

import asyncio
import socket
import sqlite3
import stat
import zlib
from dataclasses import replace

import nouns
import pytest
from bundle_world import TEXT, a_recording, everything, said, written

from console.errors import BundleError, SourceDenied, UsageError
from console.model import State, Transcript, Verdict
from console.playbook.bundles import file
from console.playbook.bundles.as_test import with_entry
from console.playbook.bundles.bundle import Failure, Held
from console.playbook.bundles.packing import Allowance, packed, unpacked
from console.playbook.bundles.recording import recorded
from console.playbook.bundles.replaying import replayed
from console.playbook.bundles.testing import differences, replay_run
from console.playbook.definition import Expectation
from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.explaining import about
from console.triage.diagnose import diagnose
from console.triage.replay import changed, replay

NOW = 1_795_348_800.0


@pytest.fixture(scope="module")
def recording():
    return asyncio.run(a_recording())


async def test_every_kind_of_step_says_again_what_it_said_and_no_socket_is_opened(recording, tmp_path, monkeypatch):
    bundle, diagnosis = recording
    assert {step.state for step in diagnosis.runs[0].steps} <= {State.OK, State.DEGRADED, State.INCONCLUSIVE}
    path = written(bundle, tmp_path)

    def refused(*_arguments, **_named):
        raise AssertionError("a replay opens no socket")

    again = file.load(path)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    told = await replay(again, {"everything": everything()}, built_in_step_types())
    assert said(told) == said(diagnosis)
    assert changed(told, again) == ""


@pytest.mark.parametrize("is_all_there", [True, False])
async def test_what_a_model_said_is_told_again_and_cites_what_is_found_again(recording, is_all_there):
    bundle, diagnosis = recording
    earlier = nouns.finding("F1", step="earlier")  # an examination before found more than the bundle can tell
    numbered = [replace(each, id=f"F{at}") for at, each in enumerate(diagnosis.findings, 2)]
    then = diagnosis if is_all_there else replace(diagnosis, findings=(earlier, *numbered))
    last = then.findings[-1].id
    claim = {"text": f"see {last}", "evidence": [last, "F1"]}
    message = {"role": "assistant", "content": [{"type": "tool_use", "name": "conclude", "input": {"claims": [claim]}}]}
    said_then = Transcript("T-1", "I-1", NOW, "m", about(then), head={"tools": []}, messages=(message,))
    held = replace(bundle, diagnosis=then, transcripts=(said_then,))
    told = await replay(held, {"everything": everything()}, built_in_step_types())
    (says,) = told.agent.claims
    place = diagnosis.findings[-1].id
    extra = f"F{len(told.findings) + 1}"
    assert says.text == f"see {place}"
    assert says.evidence == (place, "F1" if is_all_there else extra)
    assert [each.step for each in told.agent.findings] == ([] if is_all_there else ["earlier"])


async def test_the_same_content_is_the_same_bytes_and_only_its_owner_may_read_it(recording, tmp_path):
    bundle, _diagnosis = recording
    path = written(bundle, tmp_path)
    assert file.to_bytes(file.load(path)) == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["it.andon"]


async def test_a_playbook_that_asks_a_little_otherwise_is_answered_from_what_was_read(recording):
    bundle, _diagnosis = recording
    coarser = TEXT.replace("signal: model.kv.usage, by: [replica], above", "signal: model.kv.usage, above")
    coarser = coarser.replace('"${{ inputs.model }}"}', '"${{ inputs.model }}"}, by: [model]')
    shorter = coarser.replace("current: 15m", "current: 10m")
    for text in (coarser, shorter):
        done = await replay_run(everything(text), bundle, built_in_step_types(), {})
        states = {step.id: step.state for step in done.steps}
        assert (states["slow"], states["full"]) == (State.DEGRADED, State.DEGRADED)


async def test_what_the_bundle_does_not_hold_is_absent_and_never_an_error(recording):
    bundle, _diagnosis = recording
    other = TEXT.replace("signal: model.kv.usage, by: [replica]", "signal: model.queue.depth")
    other = other.replace("kinds: [deploy]", "kinds: [flag]")
    other = other.replace("uses: logs, with: {}", "uses: logs, with: {where: {service: search}}")
    done = await replay_run(everything(other), bundle, built_in_step_types(), {})
    states = {step.id: (step.state, step.reason) for step in done.steps}
    for name in ("full", "changed", "lines"):
        assert states[name][0] == State.NO_DATA, states[name]
        assert "absent" in states[name][1]


async def test_an_error_is_said_again_as_the_same_kind_of_error():
    class Refuses:
        async def signals(self):
            raise SourceDenied("no entry", "ask for a role")

        async def read(self, query):
            raise SourceDenied("no entry", "ask for a role")

    heard, recording = recorded(Situation(Estate(readers=[Refuses()]), NOW))
    with pytest.raises(SourceDenied):
        await heard.estate.readers[0].signals()
    (reader,) = replayed(file.from_bytes(file.to_bytes(recording.bundle()))).estate.readers
    with pytest.raises(SourceDenied, match="no entry") as caught:
        await reader.signals()
    assert caught.value.hint == "ask for a role"


async def test_what_is_too_much_is_left_out_and_said():
    class Talks:
        async def signals(self):
            return ["model.ttft"]

    heard, recording = recorded(Situation(Estate(readers=[Talks()]), NOW), most=10)
    await heard.estate.readers[0].signals()
    bundle = recording.bundle()
    assert not bundle.held
    assert "readers 0" in bundle.left_out[0]
    assert list(await replayed(bundle).estate.readers[0].signals()) == []


def test_a_device_is_written_to_and_never_replaced(tmp_path):
    _, recording = recorded(Situation(Estate(), NOW))
    device = tmp_path / "device"
    device.symlink_to("/dev/null")
    file.save(recording.bundle(), device)
    assert device.is_char_device()
    assert list(tmp_path.iterdir()) == [device]


def test_a_file_that_is_no_bundle_is_refused_with_a_hint(tmp_path):
    path = tmp_path / "it.andon"
    with pytest.raises(BundleError, match="cannot be read"):
        file.load(path)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text TEXT)")
    other.commit()
    other.close()
    with pytest.raises(BundleError, match="another program") as caught:
        file.load(path)
    assert caught.value.hint
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(BundleError, match="no bundle"):
        file.load(path)


async def test_a_broken_bundle_is_refused_whatever_is_broken(recording, tmp_path):
    bundle, _diagnosis = recording
    data = file.to_bytes(bundle)
    for broken in (data[:5000], data[:3000] + b"\xff" * 2000 + data[5000:]):
        with pytest.raises(BundleError):
            file.from_bytes(broken)
    for sql in (
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON held BEGIN SELECT 1; END",
        "UPDATE held SET call = 'close' WHERE number = 1",
        "UPDATE held SET answer = x'00', failure = NULL WHERE number = 1",
        "UPDATE head SET value = 'text' WHERE key = 'now'",
        "DELETE FROM head WHERE key = 'now'",
        "PRAGMA user_version = 99",
    ):
        with sqlite3.connect(":memory:", isolation_level=None) as connection:
            connection.deserialize(data)
            connection.execute(sql)
            changed_data = connection.serialize()
        with pytest.raises(BundleError):
            file.from_bytes(changed_data)


def test_a_bomb_is_not_unpacked():
    with pytest.raises(BundleError, match="more than a bundle may hold"):
        Allowance(1000).unpacked(zlib.compress(b"0" * 10_000_000))
    assert unpacked(packed([float("inf"), None]), Allowance(100)) == [float("inf"), None]


async def test_each_difference_is_one_sentence(recording):
    _bundle, diagnosis = recording
    (done,) = diagnosis.runs
    assert differences(Expectation("kv_cache_exhausted", "chat", 30, ("other",), Verdict.DEGRADED, 1), done) == []
    assert len(differences(Expectation("other", never=("kv_cache_exhausted",), exit=0), done)) == 3
    assert "named" in differences(Expectation("none"), done)[0]
    assert "less than 1e+06:1" in differences(Expectation("kv_cache_exhausted", odds=1e6), done)[0]
    assert "subject" in differences(Expectation("kv_cache_exhausted", subject="search"), done)[0]


async def test_a_failure_of_an_unknown_kind_is_still_an_error():
    assert Failure("Strange", "it broke").error.message == "it broke"
    assert Held("readers", "0", "signals", {}).failure is None


def test_an_entry_is_added_and_the_rest_of_the_file_stays():
    text = "name: x\n# why\ntests:\n  # the first\n  - {bundle: a}\n\nremedies: []  # none\n"
    assert with_entry(text, "- {bundle: b}") == (
        "name: x\n# why\ntests:\n  # the first\n  - {bundle: a}\n  - {bundle: b}\n\nremedies: []  # none\n"
    )
    assert with_entry("name: x\n", "- b") == "name: x\n\ntests:\n  - b\n"
    with pytest.raises(UsageError, match="one line"):
        with_entry("tests: [{bundle: a}]\n", "- b")


async def test_a_diagnosis_that_changed_is_told_in_one_line(recording):
    bundle, _diagnosis = recording
    calmer = everything(TEXT.replace("above: 0.9", "above: 1.5").replace("weight: strong", "weight: weak"))
    now = await replay(bundle, {"everything": calmer}, built_in_step_types())
    assert "kv_cache_exhausted of chat; now: degraded, no cause named" in changed(now, bundle)
    assert diagnose([]).verdict is Verdict.NO_DATA
