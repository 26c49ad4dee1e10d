"""Saying yes to a plan: to exactly what is shown, as far as the policy lets it, and signed where that is wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from console.errors import AndonError, UsageError
from console.tui.panels.figures import text
from console.tui.screens import plan_rows
from console.tui.screens.prompt import Prompt
from console.tui.screens.triage_words import Json

if TYPE_CHECKING:
    from console.tui.screens.plans import Plans

KEYS = ("id_ed25519_sk", "id_ed25519", "id_ecdsa_sk", "id_ecdsa", "id_rsa")  # as OpenSSH calls them
SIGN_SECONDS = 150.0  # a passphrase is typed, or a key is touched


def ask_yes(screen: Plans, row: Mapping[str, Any], decision: Json, data: Path, *, is_alone: bool) -> None:
    """Ask for a yes, as the policy decided: `is_alone` breaks the glass, which wants a reason."""
    id_, hash_ = text(row, "id"), text(row, "hash")
    if not decision.get("is_allowed"):
        by = f"rule {text(decision, 'rule')!r}" if text(decision, "rule") else "the policy"
        screen.say(f"{by} does not let this be done: {text(decision, 'why')}; andon plan explain {id_}", "warn")
        return
    args: dict[str, Any] = {"plan": id_, "hash": hash_}

    def said_yes(_typed: str) -> None:
        if is_alone:
            _ask(screen, f"Break the glass for {id_}: why can it not wait? Everybody is told.", because)
        else:
            signed_or_not()

    def because(reason: str) -> None:
        args.update(reason=reason, break_glass=True)
        signed_or_not()

    def signed_or_not() -> None:
        if decision.get("is_signed"):
            question = f"Rule {text(decision, 'rule')!r} wants {id_} signed: with which SSH key?"
            _ask(screen, question, signed, typed=str(_usual_key()))
        else:
            screen.approve(id_, **args)

    def signed(key: str) -> None:
        try:
            _sign_there(screen.app, [id_, *_words(args), "--sign", str(Path(key).expanduser())], data)
        except AndonError as error:
            screen.console_app.complain(error)
        else:
            screen.approved(id_)

    target = text(plan_rows.part(row, "act"), "target")
    is_high = text(plan_rows.plan_of(row), "risk") == "high"
    what = "; ".join(plan_rows.changes(row, 3))
    how = f"High risk: type {target} to approve" if is_high else "Enter approves, Esc does not"
    _ask(screen, f"{id_} {target}: {what}. {how}", said_yes, wanted=target if is_high else "")


def _ask(screen: Plans, question: str, then: Callable[[str], None], *, wanted: str = "", typed: str = "") -> None:
    """One question; what comes next is not asked where it was left, or answered with something else than is wanted."""

    def answered(said: str | None) -> None:
        if said is None:
            return
        if wanted and said != wanted:
            screen.say("that is not its name: nothing was approved", "warn")
            return
        then(said)

    screen.app.push_screen(Prompt(question, typed), answered)


def _words(args: Mapping[str, Any]) -> list[str]:
    more = ["--break-glass", "--reason", args["reason"]] if args.get("break_glass") else []
    return ["--hash", args["hash"], *more]


def _usual_key() -> Path:
    """The operator's first key of those that OpenSSH would try."""
    folder = Path("~/.ssh").expanduser()
    return next((folder / name for name in KEYS if (folder / name).is_file()), folder / KEYS[1])


def _sign_there(app: App[Any], words: Sequence[str], data: Path) -> None:
    """Leave the terminal to `andon plan approve --sign`, where a passphrase is typed; it looks at the hash itself.

    Raises UsageError where nothing was approved, and for a terminal that cannot be left.
    """
    command = [sys.executable, "-P", "-m", "console.cli", "--data", str(data), "plan", "approve", *words]
    typed = f"andon plan approve {words[0]} --sign {words[-1]}"
    try:
        with app.suspend():
            code = subprocess.run(command, check=False, timeout=SIGN_SECONDS).returncode  # noqa: S603 - our own program
            if code:
                input("Enter goes back to the console ")
    except SuspendNotSupported:
        raise UsageError("this terminal cannot be left for ssh-keygen", f"in another one: {typed}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"nothing was signed within {SIGN_SECONDS:g} s", f"in another terminal: {typed}") from None
    except (OSError, EOFError) as error:
        raise UsageError(f"nothing was signed: {error}", f"in another terminal: {typed}") from None
    if code:
        raise UsageError(f"{words[0]} was not approved", typed)
