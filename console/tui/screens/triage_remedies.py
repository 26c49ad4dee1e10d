"""From the triage to a plan: which remedy of a named cause?"""

from __future__ import annotations

from console.tui.panels.figures import dicts
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage_words import Json

PLAN_SECONDS = 90.0  # for an actuator to say what it would change


def ask_remedy(screen: Sheet, incident: str, diagnosis: Json) -> None:
    """Ask for one, have it planned, and show the plans."""
    names = remedies(diagnosis)
    if not names:
        screen.say("no cause is named that has a remedy", "warn")
        return

    def chosen(typed: str | None) -> None:
        if not typed:
            return
        name = names[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(names) else typed
        screen.say(f"planning {name} …", "bold")
        screen.console_app.ask(
            "plan.make",
            lambda _answer: screen.console_app.action_go("plans"),
            timeout=PLAN_SECONDS,
            incident=incident,
            remedy=name,
        )

    listed = "  ".join(f"{at} {name}" for at, name in enumerate(names, 1))
    screen.app.push_screen(Prompt(f"Plan which remedy? {listed} (Enter plans it, Esc does not)", "1"), chosen)


def remedies(diagnosis: Json) -> list[str]:
    """Those of the named causes, the likeliest cause's first, each once."""
    causes = dicts(diagnosis.get("causes"))
    return list(dict.fromkeys(str(each) for cause in causes for each in cause.get("remedies") or ()))
