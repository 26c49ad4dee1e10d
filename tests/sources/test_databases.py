"""What is told of a database without one: URLs, options, and errors that keep its secrets."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from console.errors import SourceDenied, SourceError, UsageError
from console.plugins import load_plugins
from console.sources.at_hand import AtHand
from console.sources.databases import Database
from console.sources.engines import in_words, named_in, without_secrets
from console.sources.opening import from_argument
from console.sources.options import DatabaseOptions

URL = "postgres://me:hush%20hush@host/db?sslpassword=psst"


def options(**given: Any) -> Any:
    plain: dict[str, Any] = {
        "url": URL, "url_env": None, "table": "rows", "time": None, "model": None, "label": None, "prediction": None,
        "slices": [], "text": [], "embedding": [],
    }  # fmt: skip
    return SimpleNamespace(**{**plain, **given})


def test_a_table_of_a_database_is_written_behind_its_url() -> None:
    assert named_in("postgres://me@host/db::public.rows") == ("postgres://me@host/db", "public.rows")
    assert named_in("rows.parquet") is None
    assert named_in("postgres://me@host/db") is None
    assert named_in("C::rows") is None


def test_it_is_a_source_on_the_command_line() -> None:
    config = from_argument("scores=postgres://me@host/db::rows", load_plugins())
    assert (config.kind, dict(config.options)) == ("database", {"url": "postgres://me@host/db", "table": "rows"})


@pytest.mark.parametrize("given", [{}, {"url": URL, "url_env": "ANDON_DB"}, {"url_env": "PGPASSWORD"}])
def test_it_has_one_url_or_a_variable_of_andons_own_that_holds_it(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DatabaseOptions.model_validate({"table": "rows", **given})
    assert DatabaseOptions.model_validate({"table": "rows", "url_env": "ANDON_DB"}).url is None


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UsageError, match="ANDON_NOWHERE"):
        Database("rows", options(url=None, url_env="ANDON_NOWHERE")).columns()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(UsageError) as raised:
        AtHand([f"{URL}::rows"]).columns()
    assert "pip install 'andon[tables]'" in raised.value.hint
    assert raised.value.message.startswith("postgres://•••@host/db?•••::rows: no ibis")


@pytest.mark.parametrize("secret", ["hush hush", "hush%20hush", "psst", URL])
def test_a_message_that_holds_a_secret_is_not_repeated(secret: str) -> None:
    assert without_secrets(f"cannot connect with {secret}", URL) == ""
    with pytest.raises(SourceError) as raised, in_words("rows", URL):
        raise RuntimeError(f"cannot connect with {secret}")
    assert raised.value.message == "rows cannot be read: RuntimeError"


def test_what_drivers_say_is_told_apart() -> None:
    said = {
        "permission denied for table rows\nat line 1": SourceDenied,
        "canceling statement due to statement timeout": SourceError,
        "connection refused": SourceError,
    }
    for text, family in said.items():
        with pytest.raises(SourceError) as raised, in_words("rows", URL):
            raise RuntimeError(text)
        assert type(raised.value) is family
        assert text.splitlines()[0] in raised.value.message
        assert "at line 1" not in raised.value.message


def test_a_url_without_a_table_is_shown_without_its_password() -> None:
    with pytest.raises(UsageError) as raised:
        AtHand([URL])
    assert "hush" not in raised.value.message
    assert "URL::TABLE" in raised.value.hint
