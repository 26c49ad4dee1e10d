"""The git program asked about a stranger's repository: nothing that the repository says can make it run anything."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from pathlib import Path

from console.errors import SourceDenied, SourceError, SourceMalformed

SECONDS = 6.0  # of one question; less than a child's answer may take
MOST_BYTES = 24 << 20  # of one answer
KEPT_ENVIRONMENT = ("PATH", "LANG", "TMPDIR")
# No settings but these and the repository's own; of those the ones that name programs are set to none.
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PAGER": "cat", "HOME": os.devnull, "LC_ALL": "C.UTF-8",
}  # fmt: skip
SETTINGS = (
    f"core.hooksPath={os.devnull}", "core.fsmonitor=false", "core.pager=cat", "core.sshCommand=false",
    "core.alternateRefsCommand=true", "diff.external=", "gpg.program=false", "gpg.ssh.program=false",
    "gpg.x509.program=false", "log.showSignature=false", "credential.helper=", "protocol.allow=never",
    "core.quotePath=false", "core.attributesFile=/dev/null", "uploadpack.packObjectsHook=",
    "maintenance.auto=false", "gc.auto=0", "log.mailmap=false", "color.ui=false", "submodule.recurse=false",
    "i18n.logOutputEncoding=UTF-8",
)  # fmt: skip
DENIED = re.compile(r"permission denied", re.IGNORECASE)
NONE = re.compile(r"not a git repository|not a gitdir|does not exist|unknown revision|needed a single revision"
                  r"|bad revision|ambiguous argument", re.IGNORECASE)  # fmt: skip


class Git:
    """One repository: a clone, a bare one or a mirror."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    def ask(self, *arguments: str, given: str = "") -> str:
        """What git answers to a question that only reads, `given` on its stdin.

        Raises SourceError, SourceDenied, and SourceMalformed for what is no repository, or no such branch.
        """
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        command = ["git", "--no-pager", "--no-replace-objects", f"--git-dir={self._folder()}", *settings, *arguments]
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and what is asked is ours
                command, env={**kept, **ENVIRONMENT}, cwd="/",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise SourceError(f"source {self.name}: there is no git on this host", "install it") from None
        return self._answer(process, given)

    def fetched(self) -> float | None:
        """When somebody last fetched, epoch seconds; None where nobody did."""
        try:
            return (self._folder() / "FETCH_HEAD").stat().st_mtime
        except OSError:
            return None

    def _folder(self) -> Path:
        """Where the objects are: named, so that git looks for no other repository around it."""
        try:
            inner = self.path / ".git"
            folder = inner if inner.exists() else self.path
            if not folder.exists():
                raise SourceError(f"source {self.name}: there is no {self.path}", "check its path")
        except PermissionError:
            raise self._denied() from None
        return folder

    def _answer(self, process: subprocess.Popen[bytes], given: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        said: list[bytes] = []
        errors, timer = process.stderr, threading.Timer(SECONDS, end)
        listening = threading.Thread(target=lambda: said.append(errors.read(4096)), daemon=True)
        timer.start()
        listening.start()
        try:
            with process:
                feeding = threading.Thread(target=_feed, args=(process, given), daemon=True)
                feeding.start()
                answer = process.stdout.read(MOST_BYTES + 1)
                if len(answer) > MOST_BYTES:
                    process.kill()
                    raise SourceMalformed(f"source {self.name}: git answers with more than {MOST_BYTES >> 20} MiB",
                                          "name fewer branches")  # fmt: skip
                process.wait()
                listening.join(1.0)
                feeding.join(1.0)
        finally:
            timer.cancel()
        if late.is_set():
            raise SourceError(f"source {self.name}: git took more than {SECONDS:g} s", f"look at {self.path}")
        if process.returncode:
            raise self._failed(b"".join(said).decode(errors="replace"))
        return answer.decode(errors="replace")

    def _failed(self, said: str) -> SourceError:
        line = next((line for line in said.splitlines() if line.strip()), "it failed without a word")
        line = line.removeprefix("fatal: ").removeprefix("error: ")[:200]
        if DENIED.search(said):
            return self._denied()
        family = SourceMalformed if NONE.search(said) else SourceError
        return family(f"source {self.name}: {self.path}: {line}", "its path is that of a clone or a bare repository")

    def _denied(self) -> SourceDenied:
        return SourceDenied(f"source {self.name}: {self.path} may not be read", "give this user the right to read it")


def _feed(process: subprocess.Popen[bytes], given: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given.encode())
        process.stdin.close()
    except OSError:  # it ended without listening
        return
