"""The git source against real repositories: when things landed, whom they touch; a hostile one runs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pages import plugin

from console.config import SourceConfig
from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Event, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument, open_source
from console.words import instant

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git on this host")

MODULE = plugin("git")
PROGRAM = sys.modules["andon_plugins._git_program"]
NOON = 1_795_000_000
ALWAYS = Span(0.0, 1e12)


class Repo:
    """A repository with a clock that is set by hand."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.git("init", "-q", "-b", "main", *options, str(path), at=0)

    def git(self, *arguments: str, at: int, written: int | None = None, given: bytes = b"") -> str:
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", "ada"), ("EMAIL", "a@b"))
        }
        dates = {"GIT_AUTHOR_DATE": f"{at if written is None else written} +0000", "GIT_COMMITTER_DATE": f"{at} +0000"}
        env = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1", **who, **dates}
        cwd = self.path if self.path.exists() else self.path.parent
        done = subprocess.run(["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, input=given)
        return done.stdout.decode().strip()

    def commit(self, title: str, at: int, *files: str, written: int | None = None) -> str:
        for file in files or ("README",):
            (self.path / file).parent.mkdir(parents=True, exist_ok=True)
            (self.path / file).write_text(f"{title} {at}")
        self.git("add", "-A", at=at)
        self.git("commit", "-q", "-F", "-", at=at, written=written, given=title.encode())
        return self.git("rev-parse", "HEAD", at=at)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "shop")


def reader(repo: Repo | Path, **options: Any) -> Any:
    path = repo if isinstance(repo, Path) else repo.path
    return MODULE.Repository("repo", MODULE.GitOptions(path=str(path), **options))


def events(repo: Repo | Path, span: Span = ALWAYS, kinds: tuple[str, ...] = (), **options: Any) -> list[Event]:
    return [*reader(repo, **options).events(span, kinds)]


def test_a_commit_is_an_event_with_its_files(repo: Repo) -> None:
    id_ = repo.commit("Shorter timeout\n\nbody", NOON, "services/fraud/app.py", "a b.txt", "ö.md")
    assert events(repo) == [
        Event(
            NOON,
            "commit",
            "shop",
            "Shorter timeout",
            id=id_,
            detail="a b.txt\nservices/fraud/app.py\nö.md\nby ada",
            source="repo",
        )
    ]


def test_what_matters_is_when_it_landed_and_not_when_it_was_written(repo: Repo) -> None:
    repo.commit("one", NOON)
    repo.commit("two", NOON + 7200, written=NOON - 86400)
    assert [(event.title, event.time) for event in events(repo, Span(NOON + 1, NOON + 9000))] == [("two", NOON + 7200)]
    assert f"written {instant(NOON - 86400)}" in events(repo)[-1].detail


def test_what_a_branch_holds_lands_with_its_merge(repo: Repo) -> None:
    repo.commit("one", NOON)
    repo.git("checkout", "-qb", "topic", at=NOON)
    repo.commit("work in progress", NOON + 10, "b.py")
    repo.git("checkout", "-q", "main", at=NOON)
    repo.commit("other", NOON + 20, "c.py")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic", at=NOON + 30)
    found = events(repo)
    assert [event.title for event in found] == ["one", "other", "Merge topic"]
    assert (found[-1].kind, found[-1].detail) == ("merge", "b.py\nby ada")
    assert [event.title for event in events(repo, branches=["topic"])] == ["one", "work in progress"]
    assert len(events(repo, branches=["topic", "main"])) == 4


def test_a_commit_cannot_land_before_the_one_it_builds_on(repo: Repo) -> None:
    repo.commit("one", NOON)
    repo.commit("two", NOON - 5000)
    assert [(event.title, event.time) for event in events(repo)] == [("one", NOON), ("two", NOON)]


def test_a_clock_that_was_ahead_puts_no_other_commit_off(repo: Repo) -> None:
    ahead = int(time.time()) + 10 * 86400
    repo.commit("one", ahead)
    repo.commit("two", NOON)
    assert {event.title: event.time for event in events(repo)} == {"one": ahead, "two": NOON}


@pytest.mark.parametrize("time", ["soon", "-5", "9" * 24])
def test_a_commit_without_a_time_costs_no_other(repo: Repo, time: str) -> None:
    below = repo.commit("sound", NOON)
    tree = repo.git("rev-parse", "HEAD^{tree}", at=0)
    text = f"tree {tree}\nparent {below}\nauthor a <e> {time} +0000\ncommitter c <e> {time} +0000\n\nbroken\n"
    arguments = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
    repo.git("update-ref", "HEAD", repo.git(*arguments, at=0, given=text.encode()), at=NOON)
    assert reader(repo).check().state == "ok"
    assert "sound" in [event.title for event in events(repo)]


def test_paths_say_whom_and_what_a_commit_is_about(repo: Repo) -> None:
    rules = [
        {"match": "deploy/*values*.yaml", "kind": "deploy", "target": "fraud"},
        {"match": "deploy/*", "kind": "config"},
        {"match": "services/ocr/*", "target": "ocr"},
    ]
    repo.commit("values", NOON, "deploy/prod-values.yaml")
    repo.commit("manifest and code", NOON + 1, "deploy/base/hpa.yaml", "services/ocr/deep/main.py", "docs/x.md")
    repo.commit("docs", NOON + 2, "docs/y.md")
    found = [(event.title, event.kind, event.target) for event in events(repo, paths=rules, target="estate")]
    assert found == [
        ("values", "deploy", "fraud"),
        ("manifest and code", "config", "estate"),
        ("manifest and code", "commit", "ocr"),
        ("docs", "commit", "estate"),
    ]
    assert [event.title for event in events(repo, ALWAYS, ("deploy",), paths=rules)] == ["values"]


def test_tags_are_deploys_unless_told_otherwise(repo: Repo) -> None:
    id_ = repo.commit("one", NOON)
    repo.git("tag", "light", at=NOON + 50)
    repo.git("tag", "-a", "v2", "-m", "Second release", at=NOON + 100)
    blob = repo.git("hash-object", "-w", "--stdin", at=NOON, given=b"x")
    repo.git("tag", "odd", blob, at=NOON)
    found = {event.id: event for event in events(repo) if event.kind == "deploy"}
    assert found["tag v2"] == Event(
        NOON + 100, "deploy", "shop", "tag v2: Second release", "tag v2", f"commit {id_}", "repo"
    )
    assert found["tag light"].time == NOON and "the time is its commit's" in found["tag light"].detail
    assert len(found) == 2
    assert {event.kind for event in events(repo, tags="")} == {"commit"}


def test_bare_repositories_and_worktrees_are_read_too(repo: Repo) -> None:
    repo.commit("one", NOON)
    bare, tree = repo.path.parent / "mirror.git", repo.path.parent / "tree"
    repo.git("clone", "-q", "--mirror", str(repo.path), str(bare), at=NOON)
    repo.git("worktree", "add", "-q", str(tree), at=NOON)
    assert [event.target for event in events(bare)] == ["mirror"]
    assert [event.title for event in events(tree)] == ["one"]


def test_very_much_is_cut(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_TOLD", 3)
    for at in range(5):
        repo.commit(f"number {at} {'x' * 500}", NOON + at, *(f"f{at}/{n}" for n in range(60)))
        repo.git("tag", f"v{at}", at=NOON)
    found = events(repo)
    assert [event.time for event in found if event.kind == "commit"] == [NOON + 2, NOON + 3, NOON + 4]
    assert sum(event.kind == "deploy" for event in found) == 3
    assert max(len(event.title) for event in found) <= 200
    assert "and 10 files more" in found[0].detail
    monkeypatch.setattr(PROGRAM, "MOST_BYTES", 200)
    with pytest.raises(SourceMalformed, match="answers with more than"):
        events(repo)


def test_control_characters_in_titles_and_names_break_nothing(repo: Repo) -> None:
    odd = "\x1b[2J\x1e\x1f\x07 title"
    repo.commit(odd, NOON, "a\nb\x1e\x1f", "-n", "--output=x")
    [event] = events(repo)
    assert event.title == odd and "a\nb\x1e\x1f" in event.detail


HOSTILE = """
[core]
  fsmonitor = {run}
  pager = {run}
  sshCommand = {run}
  hooksPath = {hooks}
  alternateRefsCommand = {run}
  gitProxy = {run}
  askPass = {run}
  editor = {run}
[diff]
  external = {run}
[diff "evil"]
  command = {run}
  textconv = {run}
[filter "evil"]
  clean = {run}
  smudge = {run}
  process = {run}
  required = true
[gpg]
  program = {run}
[log]
  showSignature = true
[pager]
  log = {run}
[alias]
  log = !{run}
  diff-tree = !{run}
[credential]
  helper = !{run}
[uploadpack]
  packObjectsHook = {run}
[extensions]
  partialClone = origin
[remote "origin"]
  url = ext::{run}
  uploadpack = {run}
  promisor = true
  partialclonefilter = blob:none
[protocol]
  allow = always
[protocol "ext"]
  allow = always
"""


def test_a_hostile_repository_runs_nothing(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / ".gitattributes").write_text("* diff=evil filter=evil\n")
    repo.commit("one", NOON, "a.txt", ".gitattributes")
    signed = repo.git("cat-file", "commit", "HEAD", at=NOON).split("\n\n")[0]
    signed += "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\ntwo\n"
    id_ = repo.git("hash-object", "-t", "commit", "-w", "--stdin", at=NOON, given=signed.encode())
    repo.git("update-ref", "refs/heads/main", id_, at=NOON)
    blob = repo.git("rev-parse", "HEAD:a.txt", at=NOON)
    mark, run, hooks = (repo.path.parent / name for name in ("ran", "run", "hooks"))
    run.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\n')
    run.chmod(0o755)
    hooks.mkdir()
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc", "post-checkout"):
        shutil.copy(run, hooks / hook)
        shutil.copy(run, repo.path / ".git" / "hooks" / hook)
    with (repo.path / ".git" / "config").open("a") as config:
        config.write(HOSTILE.format(run=run, hooks=hooks))
    tree = repo.path / ".git" / "objects"
    (tree / blob[:2] / blob[2:]).unlink()  # which a partial clone would ask its origin for
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "PAGER"):
        monkeypatch.setenv(name, str(run))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(run))
    mark.unlink(missing_ok=True)
    assert [event.title for event in events(repo)] == ["two"]
    reader(repo).check()
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize("branch", ["--output=/tmp/x", "-x", "a b", "main:secret", "a..b\n", "HEAD^{/x}", "~", ""])
def test_what_is_no_branch_is_refused_by_the_options(branch: str) -> None:
    with pytest.raises(ValueError, match="branches"):
        MODULE.GitOptions(path="/x", branches=[branch])


def test_what_cannot_be_read_is_one_sentence(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"source repo: there is no .*/none"):
        events(tmp_path / "none")
    with pytest.raises(SourceMalformed, match="not a git repository"):
        events(tmp_path)
    with pytest.raises(SourceMalformed, match="bad revision"):
        events(repo)
    repo.commit("one", NOON)
    with pytest.raises(SourceMalformed, match="nonsense"):
        events(repo, branches=["nonsense"])
    (repo.path / ".git" / "HEAD").write_text("\x00\x1b[2J")
    with pytest.raises(SourceMalformed):
        events(repo)
    monkeypatch.setattr(Path, "exists", lambda _path: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(SourceDenied):
        events(repo)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="no git on this host"):
        events(repo)


def test_a_repository_in_the_middle_of_a_write_is_read_without_its_lock(repo: Repo) -> None:
    repo.commit("one", NOON)
    (repo.path / ".git" / "index.lock").touch()
    (repo.path / ".git" / "refs" / "heads" / "main.lock").touch()
    assert [event.title for event in events(repo)] == ["one"]


def test_a_git_that_hangs_is_ended(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("one", NOON)
    os.mkfifo(tmp_path / "never")
    with (repo.path / ".git" / "config").open("a") as config:
        config.write(f"[include]\n\tpath = {tmp_path}/never\n")
    monkeypatch.setattr(PROGRAM, "SECONDS", 0.2)
    with pytest.raises(SourceError, match=r"git took more than 0.2 s"):
        events(repo)


async def test_it_runs_in_a_child_and_says_how_it_is(repo: Repo) -> None:
    repo.commit("one", NOON)
    (repo.path / ".git" / "FETCH_HEAD").touch()
    config = SourceConfig("repo", "git", {"path": str(repo.path), "paths": [{"match": "*", "kind": "config"}]})
    source = await open_source(config, load_plugins())
    try:
        assert [event.kind for event in await source.events(ALWAYS, ("config",))] == ["config"]
        status = await source.check()
        assert (status.state, status.newest) == ("ok", NOON)
        assert status.reason.startswith(f"newest commit {instant(NOON)}, fetched ")
    finally:
        await source.close()


def test_paths_on_the_command_line_are_taken() -> None:
    plugins = load_plugins()
    assert from_argument("r=git+/srv/shop", plugins).options == {"path": "/srv/shop"}
    assert from_argument("r=/srv/shop.git", plugins).kind == "git"
