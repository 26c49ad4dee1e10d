"""An operator's signature under a plan: made with their SSH key over the plan's hash, and checked against the keys
that the operators' own configuration lists. Both is OpenSSH's work (`ssh-keygen -Y`); both block.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from console.errors import ConfigError, UsageError
from console.remedy.owned import read_owned

NAMESPACE = "andon-plan"  # so that what was signed for something else is no yes to a plan
SIGN_SECONDS = 120.0  # a person types a passphrase, or touches a key
VERIFY_SECONDS = 10.0
KEPT_ENVIRONMENT = ("PATH", "LANG", "TMPDIR")
MOST_SAID = 200  # characters of what ssh-keygen says is wrong


def sign(hash_: str, key: Path) -> str:
    """The signature over a plan's hash. What ssh-keygen asks for, and what it finds wrong, it says at the terminal.

    Raises UsageError where it does not sign, ConfigError where there is no ssh-keygen.
    """
    if not key.is_file():
        raise UsageError(f"there is no key {key}", "--sign ~/.ssh/id_ed25519; ssh-keygen -t ed25519 makes one")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the words are ours but for a file's name
            ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key.absolute())],  # noqa: S607
            input=hash_.encode(), stdout=subprocess.PIPE, timeout=SIGN_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise _missing() from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"nothing was signed within {SIGN_SECONDS:g} s", "nothing was approved") from None
    if done.returncode:
        raise UsageError(f"ssh-keygen did not sign with {key}", "nothing was approved; above it says why")
    return done.stdout.decode("ascii", "replace")


def verify(hash_: str, operator: str, signature: str, signers: Path | None) -> str:
    """The fingerprint of the operator's key that made this signature over a plan's hash.

    Raises UsageError for a signature that is not this operator's over exactly this, ConfigError where nobody's keys
    are listed, others may write the list, or there is no ssh-keygen.
    """
    listed = read_owned(signers, "whose signature counts") if signers is not None else None
    if listed is None:
        raise ConfigError(
            f"there is no {signers or 'list of signers'}, so no signature can be checked",
            f'a line for each operator: {operator} namespaces="{NAMESPACE}" ssh-ed25519 AAAA…',
        )
    with tempfile.TemporaryDirectory(prefix="andon-sign-") as folder:  # what was looked at is what is used
        allowed, given = Path(folder, "allowed"), Path(folder, "signature")
        allowed.write_bytes(listed)
        given.write_text(signature)
        code, said = _asked("-Y", "verify", "-f", allowed, "-I", operator, "-n", NAMESPACE, "-s", given, data=hash_)
    if code:
        why = " ".join(said.split())[:MOST_SAID].replace(str(allowed), str(signers)) or "ssh-keygen does not say why"
        hint = f"sign with the key that {signers} has for {operator}: andon plan approve ID --sign KEYFILE"
        raise UsageError(f"this is no signature of {operator} over this plan: {why}", hint)
    return said.split()[-1]


def _asked(*words: str | Path, data: str) -> tuple[int, str]:
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and an operator's name is one word
            ["ssh-keygen", *map(str, words)],  # noqa: S607
            input=data.encode(), capture_output=True, timeout=VERIFY_SECONDS, env=kept, cwd="/", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise _missing() from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"a signature was not checked within {VERIFY_SECONDS:g} s", "approve it once more") from None
    told = done.stderr if done.returncode else done.stdout
    return done.returncode, told.decode("utf-8", "replace")


def _missing() -> ConfigError:
    return ConfigError("there is no ssh-keygen on this host", "install OpenSSH's client (Debian: openssh-client)")
