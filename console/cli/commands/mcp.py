"""`andon mcp`: what andon knows, for other agents."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys

import click

from console.cli.opening import start_if_none
from console.cli.session import Command, Session
from console.errors import ConfigError, Exit


@click.command(cls=Command, short_help="Let other agents look at what andon knows: an MCP server.")
@click.pass_obj
def mcp(session: Session) -> None:
    """Be an MCP server over stdin and stdout, until stdin ends: for agents that start this as a command.

    Every tool only reads. A daemon is started where none runs.
    """
    if importlib.util.find_spec("mcp") is None:
        raise ConfigError("the package `mcp` is not installed", "pip install 'andon[mcp]'")
    if session.config.is_llm_forbidden:
        raise ConfigError("nothing may be told to language models here", "[llm] enabled = false says so")
    start_if_none(session)
    from console.service.mcp_server import serve

    # A thread reads stdin, and does not let go of it before the next line: nothing here has to be put in order first.
    signal.signal(signal.SIGINT, lambda *_: os._exit(Exit.INTERRUPTED))
    if sys.stdin.isatty():
        click.echo("an agent that starts this would speak MCP here, in lines of JSON; Ctrl-C ends it", err=True)
    asyncio.run(serve(session.client))
