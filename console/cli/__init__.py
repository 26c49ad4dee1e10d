"""The `andon` command: parse arguments, call one function, print. A command imports no more than it needs."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> None:
    """The console script."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # numpy's words about columns of 1e308 are not for who reads the answer
    if sys.stdout is None:  # `>&-`: the exit code is asked for alone
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the end
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run one command and say how it ended, as an exit code of DESIGN §12. Nothing escapes as a traceback."""
    import click

    from console.cli.root import andon
    from console.errors import AndonError, Exit

    stdout = sys.stdout
    try:
        outcome = andon.main(list(argv), prog_name="andon", standalone_mode=False)
        return int(outcome) if isinstance(outcome, int) else Exit.HEALTHY
    except AndonError as error:
        return _say(error.message, error.hint, error.exit)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.USAGE
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "andon"
        return _say(error.format_message(), f"see `{command} --help`", Exit.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except SystemExit as error:
        if sys.stdout is not stdout:  # click's mark of a reader that left (`--help | head`); there is nobody to tell
            return Exit.HEALTHY
        return error.code if isinstance(error.code, int) else Exit.PROBLEM if error.code else Exit.HEALTHY
    except Exception as error:  # noqa: BLE001 - the last line of defence: a crash is 70, never 1
        return _say(
            f"andon itself failed: {type(error).__name__}: {error}",
            f"please report it with {_report_file(argv)}",
            Exit.INTERNAL,
        )


def _say(message: str, hint: str, code: int) -> int:
    import click

    from console.report.clean import clean

    with suppress(OSError):  # a full stderr changes no exit code
        click.echo(f"andon: {clean(message)}", err=True)
        if hint:
            click.echo(f"       {clean(hint)}", err=True)
    return code


def _report_file(argv: Sequence[str]) -> str:
    """Write the traceback and what is needed to read it; what follows `=` or `://` may be a secret and is left out."""
    import platform
    import re
    import tempfile
    import traceback

    from console import __version__

    words = " ".join(re.split("=|(?<=://)", argument, maxsplit=1)[0] for argument in argv)
    head = f"andon {__version__}, Python {platform.python_version()}, {platform.platform()}\nandon {words}\n\n"
    told = (head + traceback.format_exc()).encode("utf-8", "backslashreplace")
    try:
        with tempfile.NamedTemporaryFile(prefix="andon-crash-", suffix=".txt", delete=False) as file:
            file.write(told)
    except OSError as error:
        return f"what led to it: no report could be written ({error.strerror})"
    return file.name
