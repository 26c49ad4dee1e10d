"""What every command shares: the global flags, and what they lead to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.errors import Exit, UsageError

if TYPE_CHECKING:
    from console.config import Config
    from console.errors import PluginError
    from console.model import Diagnosis, PlanRecord
    from console.playbook.definition import Playbook
    from console.plugins import Plugins
    from console.service.client import Client


@dataclass
class Session:
    """The global flags of one command line. Each property is computed when first asked for."""

    config_path: Path | None = None
    data: Path | None = None
    source: tuple[str, ...] = ()
    plugins_dir: Path | None = None
    format: str = "text"
    output: Path | None = None
    plain: bool = False
    locked: bool = False

    @cached_property
    def config(self) -> Config:
        """The settings, with the flags on top."""
        from console.config_file import load_config

        config = load_config(self.config_path, data=self.data)
        extra = (self.plugins_dir,) if self.plugins_dir else ()
        return replace(config, plugin_dirs=(*config.plugin_dirs, *extra))

    @cached_property
    def plugins(self) -> Plugins:
        """Every plugin; what is wrong with one goes to stderr and stops nothing."""
        from console.plugins import load_plugins
        from console.report.clean import clean

        def tell(problem: PluginError) -> None:
            click.echo(f"andon: {clean(problem.message)}", err=True)

        return load_plugins(self.config.plugin_dirs, disable=self.config.plugins_disabled, on_problem=tell)

    @cached_property
    def config_with_sources(self) -> Config:
        """The settings, with `--source NAME=URL` added to the configured sources or in their place."""
        from console.sources.opening import from_argument

        named = {source.name: source for source in self.config.sources}
        named |= {source.name: source for source in (from_argument(text, self.plugins) for text in self.source)}
        return replace(self.config, sources=tuple(named.values()))

    @cached_property
    def playbooks(self) -> dict[str, Playbook]:
        """The library and the operator's own playbooks, by name; what is wrong with one goes to stderr."""
        from console.library import library_dir
        from console.playbook.loader import library

        folders = [library_dir("playbooks"), *self.config.playbook_dirs]
        return library(
            folders,
            self.plugins.by_name("andon_step_types"),
            on_problem=lambda problem: click.echo(f"andon: {problem.message}", err=True),
        )

    @property
    def client(self) -> Client:
        """The daemon of the data folder."""
        from console.service.client import Client

        return Client(self.config.data)

    def refuse_if_locked(self) -> None:
        """For commands that change anything."""
        if self.locked:
            raise UsageError("this andon is locked: it changes nothing", "run it without --locked")

    def say_without_daemon(self) -> None:
        """On stderr, for a run that fell back to this process: pages have no past unless a daemon collects them."""
        if not self.source:
            click.echo(
                f"no daemon runs on {self.config.data}: asked were its store, if any, and sources that keep their past",
                err=True,
            )

    @property
    def colours(self) -> bool:
        """Colour only for a person at a terminal who has not said no."""
        refused = self.plain or self.output is not None or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        return not refused and sys.stdout.isatty()

    @property
    def shades(self) -> bool:
        """Greys too, where the terminal says it has more than sixteen colours."""
        return self.colours and ("256color" in os.environ.get("TERM", "") or "COLORTERM" in os.environ)

    @property
    def width(self) -> int:
        """The terminal's width, or 100 where there is none."""
        import shutil

        return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100

    def emit(self, text: str) -> None:
        """To --output, whole or not at all, or to stdout; a reader that leaves early changes no verdict."""
        text = text if text.endswith("\n") else text + "\n"
        try:
            if self.output is None:
                click.echo(text, nl=False, color=True)
            else:
                _write(self.output, text)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        except OSError as error:
            where = self.output or "stdout"
            raise UsageError(f"{where} cannot be written: {error.strerror}", "name another --output") from error

    def refuse_other_forms_than(self, *forms: str) -> None:
        """Where the answer has not the form asked for; to be said before anything is asked that costs money."""
        if self.format not in forms:
            told = f"{', '.join(forms[:-1])} or {forms[-1]}"
            raise UsageError(f"this command has no {self.format} form", f"use --format {told}")

    def emit_shape(self, shape: Any, text: Callable[[], str]) -> None:
        """One of the published shapes: as JSON where asked for, else in words."""
        if self.format == "json":
            import orjson

            from console.report.clean import escape_json

            self.emit(escape_json(orjson.dumps(shape, option=orjson.OPT_INDENT_2).decode()))
        elif self.format == "text":
            self.emit(text())
        else:
            self.refuse_other_forms_than("text", "json")

    def emit_diagnosis(self, diagnosis: Diagnosis) -> int:
        """A diagnosis in the format asked for; answers its exit code."""
        from console.report.formats import FORMATS
        from console.report.text import text_report

        if self.format == "text":
            self.emit(text_report(diagnosis, width=self.width, colours=self.colours, shades=self.shades))
        else:
            self.emit(FORMATS[self.format](diagnosis))
        return diagnosis.exit

    def emit_plan(self, record: PlanRecord) -> int:
        """A plan in the format asked for; answers its exit code."""
        from console.remedy.states import BAD
        from console.report.plan import in_words
        from console.report.plan_junit import plan_junit
        from console.report.plan_markdown import plan_markdown
        from console.wire import dump

        if self.format == "junit":
            self.emit(plan_junit(record))
        elif self.format == "markdown":
            self.emit(plan_markdown(record))
        else:
            self.emit_shape(dump(record), lambda: in_words(record))
        return Exit.REMEDY if record.state in BAD else Exit.HEALTHY


def _write(path: Path, text: str) -> None:
    """The whole file or none of it; a device or a pipe (/dev/stdout) is written to, never replaced."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """A global flag may stand before or after the command; the one that was given wins."""
    session: Session = ctx.ensure_object(Session)
    assert option.name is not None
    if ctx.get_parameter_source(option.name) is click.core.ParameterSource.DEFAULT:
        return
    setattr(session, option.name, value)


def _option(*names: str, **attributes: Any) -> click.Option:
    return click.Option(list(names), expose_value=False, callback=_keep, is_eager=True, **attributes)


FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
DATA = click.Path(file_okay=False, readable=False, path_type=Path)  # who reaches the socket by its group reads no more


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """The flags of DESIGN §12; hidden in the help of single commands, which take them as well."""
    return [
        _option(
            "--config",
            "config_path",
            type=FILE,
            metavar="FILE",
            hidden=hidden,
            help="The configuration file (also ANDON_CONFIG); see `andon config path`.",
        ),
        _option("--data", type=DATA, metavar="DIR", hidden=hidden, help="The data folder; see `andon config show`."),
        _option(
            "--source",
            multiple=True,
            metavar="NAME=URL",
            hidden=hidden,
            help="A source beside, or in place of, a configured one.",
        ),
        _option(
            "--plugins-dir", type=FOLDER, metavar="DIR", hidden=hidden, help="A folder of plugins beside the others."
        ),
        _option(
            "--format",
            type=click.Choice(["text", "json", "junit", "markdown"]),
            hidden=hidden,
            help="How to print the answer; junit and markdown are for diagnoses.",
        ),
        _option("--output", type=FILE, metavar="FILE", hidden=hidden, help="Write the answer there, not to stdout."),
        _option(
            "--plain",
            is_flag=True,
            hidden=hidden,
            help="No colour, no pictures in colour: for pipes and screen readers.",
        ),
        _option("--locked", is_flag=True, hidden=hidden, help="Refuse whatever changes anything."),
    ]


class Command(click.Command):
    """A command that takes the global flags too."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params = [*self.params, *global_options(hidden=True)]
        self.epilog = self.epilog or "The global flags of `andon --help` may stand here too."


class Group(click.Group):
    """A group whose commands take the global flags too."""

    command_class = Command
