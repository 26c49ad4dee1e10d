"""The tree of commands. A command's module is imported when that command is called, and not before."""

from __future__ import annotations

import importlib
from typing import Any

import click

from console import __version__
from console.cli.session import Session, global_options

# command -> (module under console.cli.commands, one line of help); modules are named after what they are about.
COMMANDS = {
    "demo": ("demo", "Break a real model on the practice line and diagnose it."),
    "daemon": ("daemon", "Run the collector and store of this host in the foreground."),
    "status": ("daemon", "Say how the daemon, its sources and its models are."),
    "run": ("run", "Run a playbook: current against baseline, to a root cause."),
    "triage": ("triage", "Find the root cause of an alert, a symptom in words, or an incident."),
    "replay": ("replay", "Diagnose a bundle again, with no source and no network."),
    "eval": ("eval", "Diagnose recorded incidents again and grade the answers, without a model and with it."),
    "compare": ("compare", "Judge samples by a baseline, as a canary by the stable release: what got worse?"),
    "drift": ("drift", "Compare the rows of two sets of files: what moved, how far, since when."),
    "rank": ("rank", "Rank what may be the root cause of an incident: services and changes, best first."),
    "playbook": ("playbook", "List, show, check, write, test and explain playbooks."),
    "incident": ("incident", "Open, list, show, answer, export and close incidents."),
    "transcript": ("transcript", "Read what was sent to a language model and what it answered."),
    "plan": ("plan", "Make, show, approve, apply and take back plans: what a remedy would change."),
    "audit": ("audit", "Show, verify and export who did what."),
    "baseline": ("baseline", "List, pin and drop pinned baselines."),
    "events": ("events", "Say what changed and when: deploys, configuration, flags, versions, commits."),
    "alert": ("alert", "List alerts and silences; silence and unsilence them."),
    "listen": ("listen", "Take alert webhooks and hand them to the daemon."),
    "mcp": ("mcp", "Let other agents look at what andon knows: an MCP server."),
    "notify": ("notify", "Try whether a notifier reaches people."),
    "source": ("source", "List sources and check what they give."),
    "lab": ("lab", "The practice line: start it, break it, heal it, score the diagnosis."),
    "doctor": ("doctor", "Check that everything andon needs on this host is there."),
    "config": ("config", "Show the settings, where they come from, and their schema."),
    "schema": ("schema", "The JSON Schema of what a command prints."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports them late; what plugins offer comes after andon's own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(_plugin_commands(ctx))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module = importlib.import_module(f"console.cli.commands.{COMMANDS[name][0]}")
            command: click.Command = getattr(module, name)
            return command
        return _plugin_commands(ctx).get(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, line) for name, (_module, line) in COMMANDS.items()]
        rows += [(name, command.get_short_help_str()) for name, command in _plugin_commands(ctx).items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    session: Session = ctx.ensure_object(Session)
    return session.plugins.by_name("andon_commands")


@click.group(
    cls=LazyGroup,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog="Exit codes: 0 healthy, 1 a problem was found, 2 usage, 3 inconclusive or no data, 4 a source could not be "
    "reached, 5 a remedy failed, 70 internal error, 130 interrupted.",
)
@click.version_option(__version__, prog_name="andon")
@click.pass_context
def andon(ctx: click.Context, /, **_options: Any) -> int | None:
    """Say what is wrong with a machine-learning system, and why: current data against a baseline.

    Without a command it opens the console; with --plain, or where that is no terminal, it says the same line by line.
    """
    session = ctx.ensure_object(Session)
    if ctx.invoked_subcommand is not None:
        return None
    from console.cli.opening import open_board

    return open_board(session)
