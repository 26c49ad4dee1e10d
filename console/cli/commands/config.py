"""`andon config`: the settings, where they come from, and their schema."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Group, Session
from console.sources.redact import MASK, SECRET_NAME, shown_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.config import ActuatorConfig, NotifierConfig, SourceConfig

APART = ("sources", "actuators", "grouping", "notifiers")  # settings that are tables of their own


@click.group(cls=Group)
def config() -> None:
    """Show the settings, where they come from, and their schema."""


@config.command()
@click.pass_obj
def show(session: Session) -> None:
    """The settings in force, defaults included."""
    from console.report.tables import columns

    config = session.config_with_sources
    settings = {field.name: _plain(getattr(config, field.name)) for field in fields(config) if field.name not in APART}
    sources, actuators = _named(config.sources), _named(config.actuators)
    notifiers, grouping = [_unaddressed(each) for each in _named(config.notifiers)], _plain(config.grouping)
    rows = [row for name, value in settings.items() for row in _rows(name, value)] + _rows("alerts", grouping)
    rows += [(f"actuators.{each['name']}", each["kind"]) for each in actuators]
    rows += [(f"sources.{each['name']}", each["kind"]) for each in sources]
    rows += [(f"notify.{each['name']}", each["kind"]) for each in notifiers]
    shape = settings | {"sources": sources, "actuators": actuators, "alerts": grouping, "notify": notifiers}
    session.emit_shape(shape, lambda: columns(["setting", "value"], rows))


@config.command()
@click.pass_obj
def path(session: Session) -> None:
    """The configuration file that is read, or would be."""
    from console.config import default_config_path

    chosen = session.config_path or default_config_path()
    shape = {"path": str(chosen), "exists": chosen.is_file()}
    session.emit_shape(shape, lambda: str(chosen))
    if not chosen.is_file():
        click.echo("it is not there yet: the defaults hold", err=True)


@config.command()
@click.pass_obj
def schema(session: Session) -> None:
    """The JSON Schema of config.toml."""
    import orjson

    from console.config_file import config_schema

    session.emit(orjson.dumps(config_schema(), option=orjson.OPT_INDENT_2).decode())


def _named(configs: Iterable[SourceConfig | ActuatorConfig | NotifierConfig]) -> list[dict[str, Any]]:
    return [{"name": each.name, "kind": each.kind, "options": _plain(dict(each.options))} for each in configs]


def _unaddressed(notifier: dict[str, Any]) -> dict[str, Any]:
    """Without the path that it sends to, which is often all that one needs to know to send there."""
    url = str(notifier["options"].get("url", ""))
    start, scheme, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{start}{scheme}{host}{slash}{MASK if path else ''}"
    return notifier | {"options": notifier["options"] | {"url": shown}} if url else notifier


def _rows(name: str, value: object) -> list[tuple[str, object]]:
    """A setting, or each of those of a table."""
    if isinstance(value, dict) and value:
        return [row for key, item in value.items() for row in _rows(f"{name}.{key}", item)]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [row for item in value for row in _rows(f"{name}.{item['name']}", item)]
    return [(name, "–" if value == {} else _said(value))]


def _said(value: object) -> str:
    """A setting in words: a dash for nothing."""
    return ", ".join(map(str, value)) or "–" if isinstance(value, list) else "–" if value is None else str(value)


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: "(hidden)" if _is_secret(key) else _plain(item) for key, item in value.items()}
    if isinstance(value, int | float | bool | None):
        return value
    return shown_url(str(value)) if "://" in str(value) else str(value)


def _is_secret(key: str) -> bool:
    is_secret = SECRET_NAME.search(key) is not None or any(word in key.lower() for word in ("headers", "token"))
    return is_secret and not key.endswith("_env")
