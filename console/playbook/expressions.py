"""What `if`, evidence and `${{ … }}` say: CEL, typed at load, three-valued when it runs.

Every result of every step is a variable of its own (`steps.kv.current.stat`) with the type its step type declared, so a
typo or a wrong type fails when the playbook is loaded. What has no value is left out of the activation; CEL's `&&` and
`||` absorb the hole where the other side decides (`true || unknown` is true), and what stays is Unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel

from console.model import Verdict
from console.words import nearest

VERDICTS = tuple(verdict.value for verdict in Verdict if verdict is not Verdict.NO_DATA)

TYPES: Mapping[str, Any] = {
    "string": cel.Type.STRING,
    "double": cel.Type.DOUBLE,
    "int": cel.Type.INT,
    "bool": cel.Type.BOOL,
    "list(string)": cel.Type.List(cel.Type.STRING),
    "map(string, string)": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
}

_NAME_OR_STRING = re.compile(r"""r?"(?:\\.|[^"\\])*"|r?'(?:\\.|[^'\\])*'|(?<![\w.])[a-z]\w*(?:\s*\.\s*\w+)*""")
_VERDICT = re.compile(r"""\bsteps\.\w+\.verdict\s*(?:[!=]=\s*(?P<one>"\w*"|'\w*')|in\s*\[(?P<many>[^\]]*)\])""")
_QUOTED = re.compile(r"""["'](\w*)["']""")
_CEL_ERROR = re.compile(r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): (?P<message>[^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '(?P<name>[^']+)'")
_MIXED_NUMBERS = re.compile(r"\(double, int\)|\(int, double\)")


@dataclass(frozen=True, slots=True)
class Unknown:
    """The expression met missing data; `why` says which."""

    why: str


class ExpressionError(Exception):
    """An expression that does not hold together; `offset` is where in it."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    source: str
    names: tuple[str, ...]  # the variables it reads
    type: str
    program: Any

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps whose results it reads, in order of appearance."""
        return tuple(dict.fromkeys(name.split(".")[1] for name in self.names if name.startswith("steps.")))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value, or Unknown where missing data decides.

        >>> Scope({"steps.kv.p50": "double"}).compile("steps.kv.p50 > 0.95").evaluate({"steps.kv.p50": 0.99})
        True
        """
        answer = self.program.eval(data={name: values[name] for name in self.names if values.get(name) is not None})
        if answer.type() == cel.Type.ERROR:
            return Unknown(_missing(self.names, values) or str(answer.value()).partition(": ")[2])
        return answer.plain_value()


class Scope:
    """The names that the expressions of one playbook may use, with their types."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = dict(variables)
        self._compiled: dict[str, Expression] = {}  # causes ask the same of a step over and over
        self._env = cel.NewEnv(variables={name: TYPES[kind] for name, kind in self.variables.items()})

    def compile(self, source: str, *, want: str | None = None) -> Expression:
        """Raises ExpressionError for bad CEL, an unknown name, or another type than `want`."""
        if source not in self._compiled:
            try:
                program = self._env.compile(source)
            except RuntimeError as error:
                raise self._explain(source, str(error)) from error
            found = program.return_type()
            kind = next((name for name, known in TYPES.items() if known == found), str(found).lower())
            _check_verdicts(source)
            self._compiled[source] = Expression(source, _names(source, self.variables), kind, program)
        expression = self._compiled[source]
        if want is not None and expression.type != want:
            raise ExpressionError(f"`{source}` gives a {expression.type}, and a {want} is needed here")
        return expression

    def _explain(self, source: str, text: str) -> ExpressionError:
        found = _CEL_ERROR.search(text)
        if found is None:
            return ExpressionError(f"`{source}` is not an expression", text.splitlines()[0])
        lines = source.split("\n")[: int(found["line"]) - 1]
        offset = sum(len(line) + 1 for line in lines) + int(found["column"]) - 1
        undeclared = _UNDECLARED.search(found["message"])
        if undeclared:
            return self._unknown_name(source, undeclared["name"])
        message = found["message"].removeprefix("Syntax error: ")
        hint = "write whole numbers as 1.0 beside a double" if _MIXED_NUMBERS.search(message) else ""
        if message.startswith("token recognition error at: '="):
            hint = "write == to compare"
        return ExpressionError(f"`{source}`: {message}", hint, offset)

    def _unknown_name(self, source: str, name: str) -> ExpressionError:
        offset = max(source.find(name), 0)
        parts = name.split(".")
        if parts[0] == "each":
            return ExpressionError("`each` is known inside a step with `foreach` only", "", offset)
        if parts[0] not in ("steps", "inputs", "vars") or len(parts) < 2:
            return ExpressionError(f"nothing is called {name!r}", nearest(name, self.variables), offset)
        root, owner = parts[0], parts[1]
        owners = {known.split(".")[1] for known in self.variables if known.startswith(f"{root}.")}
        if owner not in owners:
            kind = {"steps": "step", "inputs": "input", "vars": "constant"}[root]
            return ExpressionError(f"there is no {kind} {owner!r}", nearest(owner, owners), offset)
        prefix = f"{root}.{owner}."
        results = [known.removeprefix(prefix) for known in self.variables if known.startswith(prefix)]
        wrong = ".".join(parts[2:])
        if not wrong:
            return ExpressionError(f"{name} is a whole step, and an expression reads one of its results",
                                   f"it has {', '.join(sorted(results))}", offset)  # fmt: skip
        return ExpressionError(f"step {owner!r} has no result {wrong!r}", nearest(wrong, results), offset)


def _check_verdicts(source: str) -> None:
    """A verdict that there is none of would never be met, without a word; and no data is none."""
    for found in _VERDICT.finditer(source):
        group = "one" if found["one"] else "many"
        for quoted in _QUOTED.finditer(found[group]):
            if quoted[1] == Verdict.NO_DATA:
                message = "a step without data has no verdict: what reads it is unknown, and moves nothing"
                raise ExpressionError(message, "leave it out", found.start(group) + quoted.start(1))
            if quoted[1] not in VERDICTS:
                offset = found.start(group) + quoted.start(1)
                raise ExpressionError(f"there is no verdict {quoted[1]!r}", nearest(quoted[1], VERDICTS), offset)


def _names(source: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The variables an expression reads: of each dotted chain the longest declared head; the rest is map keys."""
    names: dict[str, None] = {}
    for found in _NAME_OR_STRING.finditer(source):
        parts = re.split(r"\s*\.\s*", found.group())
        while len(parts) > 1 and ".".join(parts) not in variables:
            parts.pop()
        if ".".join(parts) in variables:
            names[".".join(parts)] = None
    return tuple(names)


def _missing(names: tuple[str, ...], values: Mapping[str, Any]) -> str:
    missing = [name for name in names if values.get(name) is None]
    return f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no value" if missing else ""
