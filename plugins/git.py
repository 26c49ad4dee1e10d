"""The source kind `git`: commits, merges and tags of a repository that lies here, as events.

What matters is when a change landed: the committer's date along the first parents of a branch. A commit cannot land
before the one it builds on, so a clock that was behind is put right.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from andon_plugins._git_program import Git
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.errors import SourceMalformed
from console.model import Event, Span
from console.plugins import SourceType, hookimpl
from console.sources.options import LocalPath
from console.sources.types import SourceStatus
from console.words import instant, lapse

MOST_COMMITS = 5_000  # of one branch that are looked at
MOST_TOLD = 500  # commits of one answer, and as many tags
MOST_FILES = 50  # of one commit that are named
MOST_TARGETS = 8  # of one commit
MOST_TITLE = 200  # characters
MOST_PATH = 300
WORTH_TELLING = 3600.0  # that a commit was written before it landed, seconds
COMMIT = ("%H", "%ct", "%at", "%P", "%an", "%s")
TAG = ("%(refname:short)", "%(creatordate:unix)", "%(objecttype)",
       "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)", "%(contents:subject)")  # fmt: skip

Branch = Annotated[str, StringConstraints(pattern=r"^[^-\s:^~?*\[\\][^\s:^~?*\[\\]*$", max_length=200)]


class Rule(BaseModel):
    """What commits are that touch certain files."""

    model_config = ConfigDict(extra="forbid")

    match: str  # a glob of paths in the repository, such as services/fraud/* or *.yaml
    kind: str = "commit"  # deploy, config, model_version …
    target: str | None = None  # the model or service


class GitOptions(BaseModel):
    """A repository on this host. Nobody is asked for news: fetching is a timer's affair."""

    model_config = ConfigDict(extra="forbid")

    path: LocalPath
    branches: list[Branch] = Field(default_factory=list)  # none: the one that is checked out
    paths: list[Rule] = Field(default_factory=list)  # the first that fits a file says what it is
    target: str = ""  # of what no rule gives one; empty: the folder's name
    tags: str = "deploy"  # what kind of event a tag is; empty: tags are not told


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the first parents, and when it landed."""

    id: str
    landed: float
    written: float
    author: str
    title: str
    is_merge: bool


class Repository:
    """An EventReader over a repository. Blocking; runs in a child."""

    def __init__(self, name: str, options: GitOptions) -> None:
        self.name = name
        self._options = options
        self._git = Git(name, Path(options.path))
        folder = Path(options.path).name.removesuffix(".git")
        self._target = options.target or folder or "git"

    def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The commits that landed in the span and its tags, oldest first; the newest MOST_TOLD of each.

        Raises SourceError, SourceDenied, SourceMalformed for what is no repository or has no such branch.
        """
        found: dict[tuple[str, str], Event] = {}
        for branch in self._options.branches or ["HEAD"]:
            landed = [each for each in self._commits(branch) if span.start <= each.landed < span.end]
            files = self._files([each.id for each in landed[:MOST_TOLD]])
            for commit in reversed(landed[:MOST_TOLD]):
                for event in self._told(commit, files.get(commit.id, [])):
                    found.setdefault((event.id, event.kind + event.target), event)
        events = [*found.values(), *(each for each in self._tags() if span.start <= each.time < span.end)]
        return sorted((each for each in events if not kinds or each.kind in kinds), key=lambda event: event.time)

    def check(self) -> SourceStatus:
        """When the newest commit landed, and when somebody last fetched. Raises as `events` does."""
        began = time.monotonic()
        newest = max(
            each.landed for branch in self._options.branches or ["HEAD"] for each in self._commits(branch, most=1)
        )
        fetched = self._git.fetched()
        reason = f"newest commit {instant(newest)}"
        reason += "" if fetched is None else f", fetched {lapse(max(0.0, time.time() - fetched))} ago"
        return SourceStatus(self.name, "git", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    def _commits(self, branch: str, most: int = MOST_COMMITS) -> list[Commit]:
        """The first parents of a branch, the newest first."""
        answer = self._git.ask("log", "--first-parent", "-z", f"--max-count={most}", f"--format={'%x00'.join(COMMIT)}",
                               "--end-of-options", branch, "--")  # fmt: skip
        found: list[Commit] = []
        now, below = time.time(), 0.0
        for id_, committed, written, parents, author, title in reversed(self._rows(answer, len(COMMIT))):
            landed = max(float(committed or 0.0), below)  # a broken commit says no time: that of the one below it
            found.append(Commit(id_, landed, float(written or landed), author, title, len(parents.split()) > 1))
            below = landed if landed <= now else below  # a clock that was ahead puts no other commit off
        return found[::-1]

    def _files(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """The files that commits touched, beside their first parent."""
        found: dict[str, list[str]] = {id_: [] for id_ in ids}
        if not ids:
            return found
        answer = self._git.ask("diff-tree", "--stdin", "--root", "-r", "-z", "--name-only", "--no-renames",
                               "--diff-merges=first-parent", given="".join(f"{id_}\n" for id_ in ids))  # fmt: skip
        files: list[str] = []
        for name in filter(None, answer.split("\0")):
            if name in found:
                files = found[name]
            else:
                files.append(name)
        return found

    def _rows(self, answer: str, width: int) -> list[tuple[str, ...]]:
        """What git tells as texts with a NUL between them, which no text of its own holds."""
        cells = answer.removesuffix("\0").split("\0") if answer else []
        if len(cells) % width:
            raise SourceMalformed(f"source {self.name}: what git says is not what it should be", "is it a strange git?")
        return [tuple(cells[at : at + width]) for at in range(0, len(cells), width)]

    def _told(self, commit: Commit, files: Sequence[str]) -> list[Event]:
        """One event for each kind and target that the commit touches."""
        touched: dict[tuple[str, str], list[str]] = {}
        for file in files:
            rule = next((each for each in self._options.paths if fnmatch.fnmatchcase(file, each.match)), None)
            kind = "commit" if rule is None else rule.kind
            touched.setdefault((kind, (rule.target if rule else None) or self._target), []).append(file)
        if not touched:
            touched[("merge" if commit.is_merge else "commit", self._target)] = []
        known = [key for key in touched if key != ("commit", self._target)] or [*touched]  # the rest goes along
        return [self._event(commit, kind, target, touched[kind, target]) for kind, target in known[:MOST_TARGETS]]

    def _event(self, commit: Commit, kind: str, target: str, files: Sequence[str]) -> Event:
        lines = [file[:MOST_PATH] for file in files[:MOST_FILES]]
        if len(files) > MOST_FILES:
            lines.append(f"and {len(files) - MOST_FILES} files more")
        lines.append(f"by {commit.author[:MOST_TITLE]}")
        if abs(commit.landed - commit.written) > WORTH_TELLING:
            lines.append(f"written {instant(commit.written)}")
        if commit.is_merge and kind == "commit":
            kind = "merge"
        title = commit.title[:MOST_TITLE] or commit.id[:12]
        return Event(commit.landed, kind, target, title, id=commit.id, detail="\n".join(lines), source=self.name)

    def _tags(self) -> list[Event]:
        """The newest tags: when they were made, or, of those that do not say, when their commit was."""
        kind = self._options.tags
        if not kind:
            return []
        answer = self._git.ask("for-each-ref", "--sort=-creatordate", f"--count={MOST_TOLD}",
                               f"--format={''.join(f'{part}%00' for part in TAG)}", "refs/tags")  # fmt: skip
        found = []
        for name, made, type_, commit, subject in self._rows(answer.rstrip("\n"), len(TAG)):
            if not made:
                continue  # of a tree or a blob: nobody knows when
            name = name.lstrip("\n")
            detail = f"commit {commit}" + ("" if type_ == "tag" else "\nthe time is its commit's")
            title = f"tag {name}: {subject}"[:MOST_TITLE]
            found.append(Event(float(made), kind, self._target, title, id=f"tag {name}"[:MOST_TITLE], detail=detail,
                               source=self.name))  # fmt: skip
        return found


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`git+PATH`, or a path that ends in .git."""
    if url.startswith("git+") and "://" not in url:
        return {"path": url.removeprefix("git+")}
    return {"path": url} if url.endswith(".git") and "://" not in url else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """A repository."""
    return (SourceType("git", "Commits and tags of a Git repository here", GitOptions, Repository, isolated=True,
                       from_url=_from_url),)  # fmt: skip
