"""What sort of change is it? Documents, tests and layout break nothing; a helper pulled out rarely does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from console.analysis.incidents.terms import telling, words_of

if TYPE_CHECKING:
    from console.analysis.incidents.diffs import Diff
    from console.model import Event

LEAST_STEP = 2.0  # times: numbers that change by less rarely break anything
MOST_WORDS = 4  # that a small step may change beside its numbers
LEAST_MOVED = 8  # words that must have moved, for a change to be called a move

_INERT = re.compile(
    r"(?ix)(?:^|/)(?:docs?|tests?|testdata|__tests__|__snapshots__|spec|fixtures|examples?|\.github|\.gitlab|\.circleci"
    r"|\.vscode|\.idea|runbooks?|adr|benchmarks?)/"
    r"|(?:_test|\.test|\.spec|_spec)\.\w+$|(?:^|/)test_\w+\.py$|(?:^|/)conftest\.py$|Tests?\.(?:java|kt|cs)$"
    r"|\.(?:md|rst|adoc|txt\.md|png|svg|drawio)$|(?:^|/)(?:CODEOWNERS|LICENSE\S*|CHANGELOG\S*|README\S*|\.gitignore"
    r"|\.editorconfig|\.golangci\S*|\.eslintrc\S*|\.prettierrc\S*|\.pre-commit\S*|renovate\.json|dependabot\.yml"
    r"|Jenkinsfile|\.pylintrc|mypy\.ini|tox\.ini)$"
)
_ELSEWHERE = re.compile(r"(?i)(?:^|[/_.-])(?:staging|stage|dev|development|local|sandbox|qa|preview)(?:[/_.-]|$)")
_MANIFEST = re.compile(
    r"(?:^|/)(?:go\.(?:mod|sum)|package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|requirements\S*\.txt|poetry\.lock|uv\.lock"
    r"|Pipfile(?:\.lock)?|Cargo\.(?:toml|lock)|Gemfile(?:\.lock)?|pom\.xml|build\.gradle(?:\.kts)?|composer\.(?:json|lock))$"
)
_VERSION = re.compile(r"(?<![\w.])v?(\d+)\.(\d+)(?:\.(\d+))?")
_LOOKS = re.compile(
    r"\.(?:css|scss|sass|less|woff2?|ttf|ico|jpe?g|gif|webp|po|arb|ftl)$|(?:^|/)(?:i18n|locales?|translations)/"
)
_WORDS_ONLY = re.compile(r"(?i)^\s*(?:docs?|tests?|style|ci|build)(?:\([^)]*\))?!?:")
_CHORE = re.compile(r"(?i)^\s*(?:chore|refactor|cleanup)(?:\([^)]*\))?!?:")
_LOGGING = re.compile(r"(?i)\b(?:s|z)?log(?:ger|ging|rus|f)?\b|\bconsole\.|\bprint|\btrac(?:er|ing)\b|\bmetrics?\b")
_OBSERVING = frozenset(
    "prometheus otel opentelemetry telemetry histogram counter gauge metric metrics span spans attribute attributes"
    " tracing tracer structured logging logs".split()
)


def nature_of(event: Event, diff: Diff) -> tuple[float, str]:
    """(log-odds, in words): how much less, or more, than any change such a one breaks things."""
    if diff.paths and all(_INERT.search(path) for path in diff.paths):
        return -6.0, "only documents, tests or tooling"
    if diff.paths and all(_ELSEWHERE.search(path) for path in diff.paths):
        return -4.0, "for another environment"
    if diff.is_idle:
        return -5.0, "only comments, order or layout"
    if _WORDS_ONLY.match(event.title) and not diff.is_shown:
        return -5.0, "documents, tests or tooling by its title"
    if diff.paths and all(_MANIFEST.search(path) or _INERT.search(path) for path in diff.paths):
        return _dependencies(diff)
    if diff.paths and all(_LOOKS.search(path) for path in diff.paths):
        return -1.5, "only looks and wording"
    if diff.settings and _is_small(diff):
        return -1.5, "a small step of a setting"
    if moved := moved_share(diff):
        return -3.0 * moved, "moves code and takes little away" if moved > 0.3 else ""
    if event.kind in ("commit", "merge") and not diff.is_shown and not diff.prose:
        return (-1.5 if _CHORE.match(event.title) else -1.0), "nothing of it is shown"
    if _observes(event, diff):
        return -1.0, "only observes"
    return 0.0, ""


def _dependencies(diff: Diff) -> tuple[float, str]:
    """By the farthest step of any version."""
    steps = []
    for was, now in zip(diff.gone.split("\n"), diff.new.split("\n"), strict=False):
        a, b = _VERSION.findall(was), _VERSION.findall(now)
        steps += [next((at for at in range(3) if a[-1][at] != b[-1][at]), 2)] if a and b else []
    odds = {0: -0.5, 1: -1.5, 2: -2.5}[min(steps, default=2)]
    return odds, "only versions of libraries" + (", a patch" if odds < -2 else "")


def moved_share(diff: Diff) -> float:
    """How far a change only moves code, 0..1: what was removed came back, and what was added was mostly there."""
    if not diff.is_shown or diff.settings or diff.removed_words < LEAST_MOVED:
        return 0.0
    had, has = telling(words_of(diff.removed_text)), telling(words_of(diff.added_text))
    fresh = len(has.keys() - had.keys()) / len(has) if has else 0.0
    return max(0.0, (diff.kept - 0.6) / 0.4) * max(0.0, 1 - 1.25 * fresh)


def _is_small(diff: Diff) -> bool:
    """Whether numbers changed by less than double, and hardly anything else did."""
    words = [word for word in f"{diff.lost} {diff.won}".split() if not word[0].isdigit()]
    return max(setting.ratio for setting in diff.settings) < LEAST_STEP and len(words) <= MOST_WORDS


def _observes(event: Event, diff: Diff) -> bool:
    words = set(words_of(event.title)) | set(words_of(" ".join(diff.paths)))
    return bool(words & _OBSERVING) and all(_LOGGING.search(line) for line in diff.gone.split("\n") if line)
