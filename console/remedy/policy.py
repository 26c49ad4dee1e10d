"""Who may change what: rules in policy.toml, which is read from the operators' configuration and from nowhere else.

Nothing is allowed that no rule allows. A rule that denies wins over all that allow, and a condition that cannot be
answered denies: an error is never a yes.
"""

from __future__ import annotations

import fnmatch
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from console.config import duration
from console.errors import AndonError, ConfigError
from console.model import Plan, Risk
from console.playbook.expressions import Expression, ExpressionError, Scope, Unknown
from console.remedy.owned import read_owned

RISKS: tuple[Risk, ...] = ("low", "medium", "high")
HIGH_RISK_APPROVERS = 2

NAMES: Mapping[str, str] = {
    "plan.action": "string", "plan.actuator": "string", "plan.target": "string", "plan.risk": "string",
    "plan.reversible": "bool", "plan.objects": "int", "plan.share": "double", "plan.cause": "string",
    "plan.subject": "string", "plan.playbook": "string", "plan.probability": "double", "operator.name": "string",
    "operator.roles": "list(string)", "operator.attended": "bool", "time.hour": "int", "time.weekday": "int",
}  # fmt: skip
"""What a condition may read. `time` is UTC, Monday is 1; `operator.attended` is false where nobody is there to ask."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be decided: a plan, and who wants it done."""

    plan: Plan
    operator: str
    roles: tuple[str, ...]
    is_attended: bool  # somebody is there: not CI, not a trigger
    now: float
    earlier: tuple[float, ...] = ()  # when the same action was applied before


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule says of a plan, and why."""

    rule: str
    effect: Literal["allow", "deny"]
    holds: bool | None  # None: it cannot be answered
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a plan may be done, by which rule, and how many different operators must say so first, and how."""

    is_allowed: bool
    rule: str
    why: str
    approvers: int = 1
    outcomes: tuple[Outcome, ...] = ()
    is_signed: bool = False  # each of them signs the plan with their SSH key


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _is_duration(text: str) -> str:
    try:
        duration(text)
    except ConfigError as error:
        raise ValueError(f"{error.message}: {error.hint}") from None
    return text


class _Often(_Table):
    """How often."""

    times: int = Field(ge=1, description="the same action, on whatever")
    within: Annotated[str, AfterValidator(_is_duration)] = Field(description="in so long")


class _Rule(_Table):
    """What a rule is about. What is not said is any."""

    name: str = Field(min_length=1, description="what `andon plan explain` calls it")
    actions: list[str] = Field(["*"], min_length=1, description="names or globs: kubernetes.*")
    actuators: list[str] = Field(["*"], min_length=1, description="names or globs of those configured")
    targets: list[str] = Field(["*"], min_length=1, description="names or globs: deployment prod/*")
    who: list[str] = Field(["*"], min_length=1, description="operators, or @ROLE")
    when: str | None = Field(None, description='a condition in CEL: time.hour >= 8 && plan.cause != "memory_leak"')
    between: list[datetime] | None = Field(
        None, min_length=2, max_length=2, description="only then: two times with their zone"
    )


class _Allow(_Rule):
    """What may be done."""

    risk: Risk = Field("medium", description="at most")
    objects: int | None = Field(None, ge=0, description="that change or restart, at most")
    share: float | None = Field(None, ge=0, le=1, description="out of service at once, at most; a plan must tell")
    often: _Often | None = Field(None, description="at most")
    approvers: int = Field(1, ge=0, description="different operators who must approve; high risk always needs two")
    signed: bool = Field(False, description="each of them signs the plan: andon plan approve --sign KEYFILE")
    unattended: bool = Field(False, description="also where nobody is there: CI with --approve policy")


class _Deny(_Rule):
    """What may not be done, whoever allows it: a freeze, for instance."""


class _File(_Table):
    """policy.toml."""

    allow: list[_Allow] = []
    deny: list[_Deny] = []


@dataclass(frozen=True, slots=True)
class _Condition:
    """One table of the file with its condition compiled."""

    effect: Literal["allow", "deny"]
    table: _Rule
    expression: Expression | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one file, and the SHA-256 of its text."""

    hash: str
    rules: tuple[_Condition, ...]

    def decide(self, asked: Asked) -> Decision:
        """What these rules say; never an exception: what cannot be answered denies."""
        outcomes = tuple(_outcome(rule, asked) for rule in self.rules)
        for outcome in outcomes:
            if outcome.holds is None:
                return Decision(False, outcome.rule, f"it cannot be answered: {outcome.why}", outcomes=outcomes)
        for outcome in outcomes:
            if outcome.effect == "deny" and outcome.holds:
                return Decision(False, outcome.rule, "it denies this", outcomes=outcomes)
        for rule, outcome in zip(self.rules, outcomes, strict=True):
            if outcome.effect == "allow" and outcome.holds and isinstance(rule.table, _Allow):
                least = HIGH_RISK_APPROVERS if asked.plan.risk == "high" else 0
                many = max(rule.table.approvers, least)
                return Decision(True, outcome.rule, "it allows this", many, outcomes, rule.table.signed)
        return Decision(False, "", "no rule allows this", outcomes=outcomes)


NOTHING_ALLOWED = Policy("", ())


def load_policy(path: Path | None) -> Policy:
    """The policy in a file; nothing is allowed where there is none.

    Raises ConfigError for a file that is wrong, that others may write, or whose conditions do not hold together.
    """
    data = read_owned(path, "who may change what") if path is not None else None
    return NOTHING_ALLOWED if data is None else policy_of(data, str(path))


def policy_of(data: bytes, name: str) -> Policy:
    """The policy in a text; `name` stands where a file's would. Raises ConfigError as `load_policy` does."""
    try:
        file = _File.model_validate(tomllib.loads(data.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{name} is not TOML: {error}", "see docs/remedies.md") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {where}: {first['msg']}", "see docs/remedies.md") from None
    scope = Scope(NAMES)
    rules = [_compiled("deny", table, scope, name) for table in file.deny]
    rules += [_compiled("allow", table, scope, name) for table in file.allow]
    return Policy(hashlib.sha256(data).hexdigest(), tuple(rules))


def policy_schema() -> dict[str, Any]:
    """The JSON Schema of policy.toml."""
    return _File.model_json_schema()


def _compiled(effect: Literal["allow", "deny"], table: _Rule, scope: Scope, name: str) -> _Condition:
    if table.between is not None and any(each.tzinfo is None for each in table.between):
        raise ConfigError(f"{name}: rule {table.name!r}: between: these times have no zone", "2026-12-24T00:00:00Z")
    if table.between is not None and table.between[0] >= table.between[1]:
        raise ConfigError(f"{name}: rule {table.name!r}: between: it ends before it begins", "the earlier time first")
    if table.when is None:
        return _Condition(effect, table, None)
    try:
        return _Condition(effect, table, scope.compile(table.when, want="bool"))
    except ExpressionError as error:
        raise ConfigError(f"{name}: rule {table.name!r}: when: {error.message}", error.hint) from None


def _outcome(rule: _Condition, asked: Asked) -> Outcome:
    """What one rule says; the first thing that speaks against it is why it does not hold."""
    try:
        why = _mismatch(rule, asked)
    except (AndonError, ValueError, TypeError, OverflowError, RuntimeError) as error:
        return Outcome(rule.table.name, rule.effect, None, f"{type(error).__name__}: {error}")
    if isinstance(why, Unknown):
        return Outcome(rule.table.name, rule.effect, None, why.why)
    return Outcome(rule.table.name, rule.effect, not why, why or "all that it says is so")


def _mismatch(rule: _Condition, asked: Asked) -> str | Unknown:
    table, plan = rule.table, asked.plan
    if not _is_any(plan.act.action, table.actions):
        return f"it is about {', '.join(table.actions)}"
    if not _is_any(plan.act.actuator, table.actuators):
        return f"it is about what {', '.join(table.actuators)} changes"
    if not _is_any(plan.act.target, table.targets):
        return f"it is about {', '.join(table.targets)}"
    if not _is_one_of(asked, table.who):
        return f"it is for {', '.join(table.who)}"
    if table.between is not None and not table.between[0].timestamp() <= asked.now < table.between[1].timestamp():
        return "it is for another time"
    if isinstance(table, _Allow) and (why := _too_much(table, asked)):
        return why
    if rule.expression is None:
        return ""
    said = rule.expression.evaluate(_values(asked))
    return said if isinstance(said, Unknown) else "" if said is True else f"{table.when} is not so"


def _too_much(table: _Allow, asked: Asked) -> str:
    """What of the plan is more than an allowing rule lets pass."""
    plan = asked.plan
    if RISKS.index(plan.risk) > RISKS.index(table.risk):
        return f"the risk is {plan.risk}, and it allows {table.risk} at most"
    if table.objects is not None and plan.blast.objects > table.objects:
        return f"{plan.blast.objects} objects change, and it allows {table.objects}"
    if table.share is not None and (plan.blast.share is None or plan.blast.share > table.share):
        told = "nobody can tell how much" if plan.blast.share is None else f"{plan.blast.share:.0%}"
        return f"{told} would be out of service at once, and it allows {table.share:.0%}"
    if not asked.is_attended and not table.unattended:
        return "nobody is there, and it does not allow that"
    if not asked.is_attended and not plan.is_reversible:
        return "what cannot be taken back is never done where nobody is there"
    if table.often is not None:
        since = asked.now - duration(table.often.within)
        count = sum(each > since for each in asked.earlier)
        if count >= table.often.times:
            return f"{plan.act.action} was done {count} times within {table.often.within}"
    return ""


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _is_one_of(asked: Asked, who: Sequence[str]) -> bool:
    return any(
        each[1:] in asked.roles if each.startswith("@") else fnmatch.fnmatchcase(asked.operator, each) for each in who
    )


def _values(asked: Asked) -> dict[str, Any]:
    plan = asked.plan
    now = datetime.fromtimestamp(asked.now, UTC)
    return {
        "plan.action": plan.act.action, "plan.actuator": plan.act.actuator, "plan.target": plan.act.target,
        "plan.risk": plan.risk, "plan.reversible": plan.is_reversible, "plan.objects": plan.blast.objects,
        "plan.share": plan.blast.share, "plan.cause": plan.cause, "plan.subject": plan.subject,
        "plan.playbook": plan.playbook, "plan.probability": plan.probability, "operator.name": asked.operator,
        "operator.roles": list(asked.roles), "operator.attended": asked.is_attended, "time.hour": now.hour,
        "time.weekday": now.isoweekday(),
    }  # fmt: skip
