"""No secret that stood anywhere in an incident stands in its bundle, and a replay of it still says the same."""

import asyncio
import dataclasses
import sqlite3
import time
import zlib

import pytest
from bundle_world import a_recording, everything, written

from console.model import Answer, Incident, Labels, Note, Symptom
from console.playbook.bundles.redaction import Masks, redacted
from console.playbook.bundles.testing import replay_run
from console.playbook.loader import built_in_step_types
from console.sources.redact import shown_line

SECRETS = {
    "password=hunter2secret": "hunter2secret",
    "https://ada:swordfish@db.example.org/x": "swordfish",
    "Authorization: Bearer abcdef0123456789": "abcdef0123456789",
    "ada.lovelace@example.org": "ada.lovelace",
    "ghp_0123456789abcdefABCDEF": "ghp_0123456789",
    "sk-live-0123456789abcdef": "sk-live",
    "AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": "eyJhbGci",
    "https://hooks.slack.com/services/T000/B000/XyZzY": "XyZzY",
    "https://x.example.org/a?sig=deadbeefcafe&b=1": "deadbeefcafe",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----": "MIIEow",
    "client 203.0.113.7 said no": "203.0.113.7",
    "xoxb-0123456789-abcdefghij": "xoxb-0123456789",
    "glpat-0123456789abcdefghij": "glpat-",
    "api_key: 'q1w2e3r4t5'": "q1w2e3r4t5",
    "DB_PASS=dbpassvalue": "dbpassvalue",
    "Server=h;Pwd=adovalue": "adovalue",
    "PASSWORD => arrowvalue": "arrowvalue",
    "AccountKey=azurekeyvalue==;End": "azurekeyvalue",
    "secretKey: camelvalue": "camelvalue",
    "signing_key=signingvalue": "signingvalue",
    "csrf=csrfvalue": "csrfvalue",
    "password%3Dpercentvalue": "percentvalue",
    '{"password":"a\\"quotedvalue"}': "quotedvalue",
    '{\\"token\\":\\"escapedvalue\\"}': "escapedvalue",
    "password='it''s longervalue'": "longervalue",
    '{"secret": ["listedvalue"]}': "listedvalue",
    "<password>elementvalue</password>": "elementvalue",
    "--password flagvalue": "flagvalue",
    "--db-token flagtoken": "flagtoken",
    "curl -u ada:uservalue https://x.example.org": "uservalue",
    'Authorization: Digest username="a", response="digestvalue"': "digestvalue",
    "Authorization: ApiKey schemevalue": "schemevalue",
    "Proxy-Authorization: NTLM TlRMTVNTUAAB": "TlRMTVNTUAAB",
    "Cookie: a=cookieone; b=cookietwo": "cookietwo",
    "bearer: bearervalue": "bearervalue",
    "postgres://u:p@atvalue@h/db": "atvalue",
    "postgres://u:p/slashvalue@h/db": "slashvalue",
    "https://x.example.org/a?pwd=queryvalue": "queryvalue",
    "https://x.example.org/cb#access_token=fragmentvalue": "fragmentvalue",
    "hooks.slack.com/services/T0/B0/NoScheme": "NoScheme",
    "https://x.example.org/webhookb2/guidvalue@b": "guidvalue",
    "https://x.example.org/bot12345:botvalue-0123/send": "botvalue",
    "whsec_0123456789abcdef": "whsec_0123",
    "gsk_0123456789abcdef": "gsk_0123",
    "hvs.0123456789abcdef": "hvs.0123",
    "dckr_pat_0123456789abcdef": "dckr_pat_0123",
    "glsa_0123456789abcdef": "glsa_0123",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----": "lQOYBF",
    "grace%40example.org": "grace%40",
    "reached 2001:db8::7334 at last": "db8::7334",
    "ip-10-1-2-3.ec2.internal": "10-1-2-3",
    "password=•••notamask": "notamask",
    'password="unterminatedvalue': "unterminatedvalue",
    "-----BEGIN RSA PRIVATE KEY-----\npassword: MIIEcut": "MIIEcut",
}


def plain_bytes(path):
    """The file, and all that is packed in it."""
    told = [path.read_bytes()]
    with sqlite3.connect(path) as connection:
        for table in ("head", "likes", "held"):
            for row in connection.execute(f"SELECT * FROM {table}"):
                told += [zlib.decompress(cell) for cell in row if isinstance(cell, bytes)]
                told += [cell.encode() for cell in row if isinstance(cell, str)]
    return b"\n".join(told)


@pytest.fixture(scope="module")
def planted():
    """A bundle with every secret in every place."""
    all_of_them = " ".join(SECRETS)
    bundle, diagnosis = asyncio.run(a_recording(all_of_them))
    symptom = Symptom(all_of_them, labels=Labels.of(model="chat", token="s3cr3t-label"), alert=Labels.of(a=all_of_them))
    incident = Incident(
        "I-1",
        all_of_them,
        "open",
        bundle.now,
        symptom,
        "chat",
        notes=(Note(bundle.now, "ada", all_of_them),),
        answers=(Answer(bundle.now, "ada", all_of_them, all_of_them),),
    )
    return dataclasses.replace(
        bundle,
        incident=incident,
        symptoms=(symptom,),
        diagnosis=dataclasses.replace(diagnosis, incident=incident),
        answers={**bundle.answers, all_of_them: all_of_them},
        left_out=(all_of_them,),
        playbooks={**bundle.playbooks, "notes": f"# {all_of_them}"},
    )


def test_no_secret_is_in_the_file(planted, tmp_path):
    before = plain_bytes(written(planted, tmp_path))
    after = plain_bytes(written(redacted(planted), tmp_path))
    for secret in (*SECRETS.values(), "s3cr3t-label"):
        assert secret.encode() in before, secret
        assert secret.encode() not in after, secret


async def test_a_replay_of_what_was_redacted_says_the_same(planted):
    (before,) = planted.diagnosis.runs
    done = await replay_run(everything(), redacted(planted), built_in_step_types(), {})
    assert [(step.id, step.state) for step in done.steps] == [(step.id, step.state) for step in before.steps]
    assert [(cause.id, cause.odds) for cause in done.causes] == [(cause.id, cause.odds) for cause in before.causes]


@pytest.mark.parametrize(("text", "secret"), SECRETS.items())
def test_each_kind_of_secret_is_replaced_the_same_way_everywhere(text, secret):
    masks = Masks()
    assert secret not in masks.text(text)
    assert masks.text(text) == masks.text(text)


def test_what_is_no_secret_stays():
    masks = Masks()
    for text in (
        "chat-0", "model.kv.usage", "F12", "2026-11-22T12:00:00Z", "tokens per second: 12", "127.0.0.1:8000",
        "std::vector", "2026:11:22:12:00:00", "skylark-recommender-0", "hf-inference-server-1", "bypass: on",
        "http://host:8080/@scope/name", "author: nobody", "tokens=12", "•••", "password=•••3",
    ):  # fmt: skip
        assert masks.text(text) == text
    assert masks.value({"pwd": "a", "tokens": ["b"], "name": "DB_PASS", "value": "c"}) == {
        "pwd": "•••1", "tokens": ["b"], "name": "DB_PASS", "value": "•••2",
    }  # fmt: skip
    assert masks.value({"key": "token", "value": "d"})["value"] == "•••3"
    assert masks.value({"name": "phone", "categories": ["0123", "4567"]})["categories"] == ["•••4", "•••5"]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a-",
        "://",
        "://a:",
        "a@",
        "password",
        'password="',
        "{",
        "-----BEGIN PRIVATE KEY-----",
        "?a",
        "fd00:",
    ],
)
def test_a_long_text_of_a_stranger_takes_no_longer_than_it_is_long(piece):
    """20,000 characters of `a.` held an export for a quarter of a minute."""
    text = piece * (20_000 // len(piece))
    began = time.process_time()
    Masks().text(text)
    shown_line(text, most=5_000)
    assert time.process_time() - began < 1.0
