"""What a playbook shows or asks a person: Markdown as plain lines, a command to copy, who may answer and how."""

from __future__ import annotations

import re

from console.tui.screens.triage_words import Json
from console.tui.text import Line, wrap
from console.words import MARKS, instant

HEADING = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*$")
ITEM = re.compile(r"(?P<lead>\s*)(?P<mark>[-*+]|\d+[.)])\s+(?P<text>.*)")
FENCE = re.compile(r"\s*(```|~~~)")
EMPHASIS = re.compile(r"(\*\*|__|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")
LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\((?P<url>[^)\s]*)[^)]*\)")
MOST_LINES = 400


def markdown_lines(text: object, width: int) -> list[Line]:
    """Markdown for a terminal: headings stand out, lists hang, code keeps its lines, links show where they lead."""
    lines: list[Line] = []
    paragraph: list[str] = []
    is_code = False

    def end() -> None:
        if paragraph:
            lines.extend([(each, "")] for each in wrap(" ".join(paragraph), width))
            paragraph.clear()

    for raw in str(text).splitlines()[:MOST_LINES]:
        if FENCE.match(raw):
            end()
            is_code = not is_code
        elif is_code:
            lines.extend([(f"  {each}", "key")] for each in wrap(raw, max(width - 2, 8)) if each)
        elif heading := HEADING.match(raw):
            end()
            lines += [[(each, "bold")] for each in wrap(_plain(heading["text"]), width)]
        elif item := ITEM.match(raw):
            end()
            mark = "• " if item["mark"] in "-*+" else f"{item['mark']} "
            lead = " " * min(len(item["lead"]), 6)
            said = wrap(_plain(item["text"]), max(width - len(lead + mark), 8))
            lines += [
                [(lead + (mark if place == 0 else " " * len(mark)) + each, "")] for place, each in enumerate(said)
            ]
        elif not raw.strip():
            end()
            if lines:
                lines.append([])
        else:
            paragraph.append(_plain(raw.strip()))
    end()
    return lines


def shown_lines(shown: Json, width: int) -> list[Line]:
    """All that a step shows."""
    lines = markdown_lines(shown.get("markdown") or "", width)
    if command := command_of(shown):
        lines += [[]] if lines else []
        lines += [
            [(f"$ {each}" if place == 0 else f"  {each}", "key")] for place, each in enumerate(_cut(command, width))
        ]
        lines.append([("c copies the command; nothing here runs it", "dim")])
    return lines


def gist_of(shown: Json) -> str:
    """The first words of what a step shows."""
    lines = markdown_lines(shown.get("markdown") or "", 200)
    first = next(("".join(text for text, _look in line) for line in lines if line), "")
    return first or command_of(shown)


def command_of(shown: Json | None) -> str:
    """The command, as it is to be copied."""
    return str((shown or {}).get("command") or "")


def offered(question: Json) -> str:
    """What may be answered, and by whom."""
    kinds = {"number": "a number", "boolean": "true, false", "text": "any text"}
    kind = str(question.get("kind") or "choice")
    said = kinds.get(kind) or ", ".join(str(each) for each in question.get("answers") or ())
    roles = [str(each) for each in question.get("roles") or ()]
    return said + (f"; {' or '.join(roles)} may answer" if roles else "")


def question_lines(question: Json, *, waits: bool, width: int) -> list[Line]:
    """A question with what may be answered, by whom and until when."""
    lines: list[Line] = [
        [(each, "warn")] for each in wrap(f"{MARKS['waiting'] if waits else '?'} {question.get('text')}", width)
    ]
    lines += [[(each, "")] for each in wrap(f"answers: {offered(question)}", width)]
    if question.get("expires") is not None:
        until = f"until {instant(float(question['expires']))}; then it goes on as if nobody were there"
        lines += [[(each, "")] for each in wrap(until, width)]
    then = "the run waits for it, and goes on from there" if waits else "then all of it is examined again"
    return lines + [[(each, "dim")] for each in wrap(f"Enter answers it; {then}", width)]


def _plain(text: str) -> str:
    told = LINK.sub(lambda found: f"{found['text']} ({found['url']})" if found["url"] else found["text"], text)
    return EMPHASIS.sub("", told)


def _cut(command: str, width: int) -> list[str]:
    lines = [each for raw in command.splitlines() for each in (wrap(raw, max(width - 2, 8)) or [""])]
    return lines[:MOST_LINES]
