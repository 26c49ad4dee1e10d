"""config.toml: read, checked whole, and published as a JSON Schema."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from console.config import (
    ActuatorConfig,
    Config,
    Grouping,
    LlmConfig,
    McpConfig,
    NotifierConfig,
    SourceConfig,
    default_config_path,
    default_data_dir,
    duration,
)
from console.errors import ConfigError

LINK_NAMES = ("model", "incident", "gpu", "uuid", "host", "source", "signal")
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, model_title_generator=lambda model: model.__name__.strip("_")
    )


class _Daemon(_Table):
    """The collector and store of this host."""

    data: str | None = Field(None, description="the data folder; not on a network file system")
    interval: str = Field("15s", description="time between collections; 0s collects only when asked")
    retention_days: int = Field(36, ge=1, description="how long minutes are kept")
    store_megabytes: int = Field(2048, ge=1, description="the store's size cap")
    socket_group: str | None = Field(None, description="a Unix group that may talk to the daemon")
    clock: str | None = Field(None, description="a file that holds the time; for the practice line")
    watch: bool = Field(True, description="evaluate the playbooks' triggers")


class _Plugins(_Table):
    """Plugins beside those that ship."""

    dirs: list[str] = Field([], description="folders of plugin files")
    disable: list[str] = Field([], description="plugins to leave out")


class _Playbooks(_Table):
    """Playbooks beside those that ship."""

    dirs: list[str] = Field([], description="folders of playbooks")


def _is_link(template: str) -> str:
    if not template.startswith(("http://", "https://")):
        raise ValueError("a link begins with http:// or https://")
    for name in re.findall(r"{([^}]*)", template):
        if name not in LINK_NAMES:
            known = ", ".join(f"{{{each}}}" for each in LINK_NAMES)
            raise ValueError(f"nothing is known as {{{name}}}; a link may have {known}")
    return template


Link = Annotated[str, AfterValidator(_is_link)]


class _Source(_Table):
    """One source; its kind decides which other keys it takes."""

    model_config = ConfigDict(extra="allow", strict=True)
    kind: str = Field(description="metrics, table, events, host or what a plugin offers")


class _Alerts(_Table):
    """When alerts that were sent to `andon listen` open an incident."""

    group_by: list[str] = Field([], description="labels whose values make a group; none: what each alert is about")
    once_within: str = Field("5m", description="a group opens no second incident so soon after its last")
    once_after: str = Field("2m", description="how long a group must have fired before it opens an incident")
    accumulate_within: str = Field("30s", description="how long a group's first alert waits for the others")


class _Notifier(_Table):
    """A way to tell people of incidents; its kind decides which other keys it takes."""

    model_config = ConfigDict(extra="allow", strict=True)
    kind: str = Field(description="what a plugin offers")


class _Actuator(_Table):
    """A way to change things; its kind decides which other keys it takes."""

    model_config = ConfigDict(extra="allow", strict=True)
    kind: str = Field(description="what a plugin offers")
    only: list[str] = Field(["*"], description="names or globs of the actions that it is for; all that its kind does")


class _Remedies(_Table):
    """Who may change what, and where the audit log's head is kept beside."""

    policy: str = Field("policy.toml", description="the policy's file, which no playbook and no checkout can replace")
    signers: str = Field(
        "allowed_signers", description="the operators' SSH keys that may sign plans, as OpenSSH lists them"
    )
    anchor: str | None = Field(None, description="`syslog`, or a file on another disk: there a cut audit log shows")


class _Prices(_Table):
    """US dollars for a million tokens; nothing where nobody said."""

    read: float = Field(0.0, ge=0)
    cached: float = Field(0.0, ge=0, description="read from the endpoint's cache")
    kept: float = Field(0.0, ge=0, description="read, and put into that cache")
    written: float = Field(0.0, ge=0)


def _is_one_tool(name: str) -> str:
    if any(sign in name for sign in "*?["):
        raise ValueError("tools are allowed each by its name; nothing here stands for several")
    return name


ToolName = Annotated[str, AfterValidator(_is_one_tool), StringConstraints(min_length=1, max_length=128)]


class _McpServer(_Table):
    """An MCP server, some of whose tools the language model may call. Only name tools that read."""

    command: list[str] = Field([], description="the program and its arguments; it speaks over stdin and stdout")
    url: str | None = Field(None, pattern="^https?://", description="in the place of a command: streamable HTTP")
    tools: list[ToolName] = Field(min_length=1, max_length=32, description="what may be called, each by its name")
    env: list[Variable] = Field([], description="environment variables that the command may see beside PATH and HOME")
    key_env: Variable | None = Field(
        None, description="the environment variable that holds the bearer token for the url"
    )
    seconds: int = Field(20, ge=1, le=60, description="for the connection, and for each call")

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("an MCP server has either a command or a url")
        if self.key_env and not self.url:
            raise ValueError("key_env is for a url; a command is shown variables by env")
        return self


def _is_web_url(url: str) -> str:
    if not re.match("https?://.", url):
        raise ValueError("a url begins with http:// or https://")
    return url


WebUrl = Annotated[str, AfterValidator(_is_web_url)]


class _Llm(_Table):
    """The language model that explains. It only reads; verdicts and order stay those of the numbers."""

    enabled: bool = Field(True, description="false: nothing is ever sent anywhere")
    model: str = Field(min_length=1, description="as the endpoint calls it: claude-opus-5-5")
    url: WebUrl | None = Field(
        None, description="whatever speaks the Messages API; Anthropic's own where nothing is said"
    )
    key_env: Variable | None = Field(
        "ANTHROPIC_API_KEY", description="the environment variable that holds the key; a local server needs none"
    )
    calls: int = Field(12, ge=1, description="of one investigation, at most")
    tokens: int = Field(300_000, ge=1)
    dollars: float = Field(2.0, ge=0, description="by the prices below; 0: not counted")
    seconds: int = Field(180, ge=1, le=240)
    dollars_a_day: float = Field(20.0, ge=0, description="of all investigations of 24 hours; 0: not counted")
    sources: list[str] = Field(["*"], description="names or globs of the sources whose data may be sent; all")
    mask_ips: bool = Field(True, description="whether addresses of machines are replaced before anything is sent")
    prices: _Prices = _Prices()
    mcp: dict[SourceName, _McpServer] = Field({}, description="MCP servers whose tools it may call too")


class _File(_Table):
    """andon's configuration. Paths are relative to the file."""

    daemon: _Daemon = _Daemon()
    plugins: _Plugins = _Plugins()
    playbooks: _Playbooks = _Playbooks()
    sources: dict[SourceName, _Source] = {}
    alerts: _Alerts = _Alerts()
    notify: dict[SourceName, _Notifier] = {}
    actuators: dict[SourceName, _Actuator] = {}
    remedies: _Remedies = _Remedies()
    llm: _Llm | None = Field(None, description="a language model that explains what was found")
    roles: dict[SourceName, list[str]] = Field(
        {}, description="by role: the operators who may answer what playbooks ask of it"
    )
    links: dict[str, Link] = Field({}, description="pages that `o` opens, by name: URLs with {model}, {gpu} … in them")


def load_config(path: Path | None = None, *, data: Path | None = None) -> Config:
    """Read the settings. A file that was named must exist; the default one need not.

    Raises ConfigError for a file that cannot be read, is not TOML, or has an unknown key or a value of the wrong type.
    """
    named = path is not None or "ANDON_CONFIG" in os.environ
    path = path or default_config_path()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise ConfigError(f"there is no configuration file {path}", "name another with --config") from None
        folder, usual = path.absolute().parent, _Remedies()
        return Config(data=data or default_data_dir(), policy=folder / usual.policy, signers=folder / usual.signers)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "it must be a text file that you may read") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}", "`andon config schema` lists every key") from error
    try:
        file = _File.model_validate(tables)
    except ValidationError as error:
        raise _in_words(path, error) from None
    _refuse_shared_secrets(path, file)
    return _settings(path.absolute(), file, data)


def config_schema() -> dict[str, Any]:
    """The JSON Schema of config.toml."""
    return _File.model_json_schema()


def _llm(table: _Llm | None) -> LlmConfig | None:
    if table is None or not table.enabled:
        return None
    limits = table.model_dump(include={"calls", "tokens", "dollars", "seconds", "dollars_a_day", "mask_ips"})
    servers = tuple(
        McpConfig(name, tuple(each.tools), tuple(each.command), each.url, tuple(each.env), each.key_env, each.seconds)
        for name, each in table.mcp.items()
    )
    return LlmConfig(
        table.model, table.url, table.key_env, **limits,
        sources=tuple(table.sources), prices=table.prices.model_dump(), mcp=servers,
    )  # fmt: skip


def _settings(path: Path, file: _File, data: Path | None) -> Config:
    def beside(text: str) -> Path:
        return path.parent / Path(text).expanduser()

    daemon = file.daemon
    return Config(
        path=path,
        data=data or (beside(daemon.data) if daemon.data else default_data_dir()),
        interval=duration(daemon.interval),
        retention_days=daemon.retention_days,
        store_megabytes=daemon.store_megabytes,
        socket_group=daemon.socket_group,
        clock=beside(daemon.clock) if daemon.clock else None,
        watch=daemon.watch,
        sources=tuple(
            SourceConfig(name, table.kind, dict(table.model_extra or {}), path.parent)
            for name, table in file.sources.items()
        ),
        grouping=Grouping(
            group_by=tuple(file.alerts.group_by),
            once_within=duration(file.alerts.once_within),
            once_after=duration(file.alerts.once_after),
            accumulate_within=duration(file.alerts.accumulate_within),
        ),
        notifiers=tuple(
            NotifierConfig(name, table.kind, dict(table.model_extra or {}), path.parent)
            for name, table in file.notify.items()
        ),
        actuators=tuple(
            ActuatorConfig(name, table.kind, dict(table.model_extra or {}), path.parent, tuple(table.only))
            for name, table in file.actuators.items()
        ),
        llm=_llm(file.llm),
        is_llm_forbidden=file.llm is not None and not file.llm.enabled,
        policy=beside(file.remedies.policy),
        signers=beside(file.remedies.signers),
        anchor=_anchor(file.remedies.anchor, beside),
        plugin_dirs=tuple(map(beside, file.plugins.dirs)),
        plugins_disabled=tuple(file.plugins.disable),
        playbook_dirs=tuple(map(beside, file.playbooks.dirs)),
        roles={role: tuple(names) for role, names in file.roles.items()},
        links=dict(file.links),
    )


def _anchor(told: str | None, beside: Callable[[str], Path]) -> Path | Literal["syslog"] | None:
    if told is None or told == "syslog":
        return None if told is None else "syslog"
    return beside(told)


def _refuse_shared_secrets(path: Path, file: _File) -> None:
    """Headers carry tokens, so a file that has some is for its owner's eyes."""
    names = [name for name, table in file.sources.items() if (table.model_extra or {}).get("headers")]
    if names and path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} holds headers for source {names[0]} and others may read it", f"chmod 600 {path}")


def _in_words(path: Path, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    *parents, key = (str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _keys(parents)
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return ConfigError(f"{path}: unknown key {'.'.join([*parents, key])!r}", hint)
    return ConfigError(f"{path}: {'.'.join([*parents, key])}: {_plain(first['msg'])}", "see `andon config schema`")


def _plain(message: str) -> str:
    """What pydantic says; what our own checks say, as they say it."""
    own = message.removeprefix("Value error, ")
    return own if own != message else message.lower()


def _keys(parents: list[str]) -> list[str]:
    """What a table may have; one that is there by a name of its own (`llm.mcp.NAME`) is what all of them are."""
    model: type[BaseModel] = _File
    for parent in parents:
        if parent in model.model_fields:
            annotation = model.model_fields[parent].annotation
            tables = (each for each in (annotation, *get_args(annotation)) if isinstance(each, type))
            model = next((each for each in tables if issubclass(each, BaseModel)), model)
    return list(model.model_fields)
