"""A real sshd on loopback, for whoever runs the tests, with keys of its own. Debian's openssh packages will do."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from promserver import free_port

SSHD = Path("/usr/sbin/sshd")
READY_SECONDS = 10.0
PRIVILEGES = Path("/run/sshd")  # sshd insists on it where root starts it


def is_installed() -> bool:
    return SSHD.exists() and bool(shutil.which("ssh") and shutil.which("ssh-keygen"))


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and with what one gets in."""

    port: int
    key: Path

    def command(self, program: Sequence[str], *, port: int | None = None) -> list[str]:
        """The ssh that runs a program on a terminal there; `port` where a line lies between."""
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        told = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        where = ["-p", str(port or self.port), "-i", str(self.key), f"{getpass.getuser()}@127.0.0.1"]
        return ["ssh", "-F", "none", "-tt", *told, *where, shlex.join(program)]


@contextmanager
def sshd(folder: Path) -> Iterator[Server]:
    """It lets the user of this process in, with the key in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    host, key = folder / "host_key", folder / "key"
    for each in (host, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(each)], check=True)
    (folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    if os.getuid() == 0:
        PRIVILEGES.mkdir(exist_ok=True)
    server = Server(free_port(), key)
    config = folder / "sshd_config"
    config.write_text(
        f"Port {server.port}\n"
        "ListenAddress 127.0.0.1\n"
        f"HostKey {host}\n"
        f"PidFile {folder / 'pid'}\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\n"
        "UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
    )
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log)
    try:
        _wait(server.port, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "sshd ended"
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except ConnectionError:
            time.sleep(0.05)
    raise AssertionError("sshd did not answer")
