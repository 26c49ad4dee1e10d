"""Signatures under a plan, with real keys: an operator's own counts, over exactly this plan, and for nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from console.errors import ConfigError, UsageError
from console.remedy import signing
from console.remedy.signing import sign, verify

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="keys are made by ssh-keygen")
HASH = "5e" * 32


def made_key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    """A key of nobody's but the test's."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(folder / name)]
    subprocess.run(command, check=True, timeout=60)
    return folder / name


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return made_key(tmp_path, "ada")


@pytest.fixture
def signers(tmp_path: Path, ada: Path) -> Path:
    """Ada's key, for plans alone."""
    path = tmp_path / "allowed_signers"
    path.write_text(f'ada namespaces="{signing.NAMESPACE}" {ada.with_suffix(".pub").read_text()}')
    path.chmod(0o644)
    return path


@needs_ssh_keygen
def test_an_operators_own_signature_over_this_plan_counts(ada: Path, signers: Path) -> None:
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(ada)], capture_output=True, text=True, check=True, timeout=60)
    assert verify(HASH, "ada", sign(HASH, ada), signers) == told.stdout.split()[1]  # SHA256:…


@needs_ssh_keygen
def test_no_other_signature_does(ada: Path, signers: Path, tmp_path: Path) -> None:
    given = sign(HASH, ada)
    mallory = made_key(tmp_path, "mallory")
    elsewhere = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(ada)], input=HASH.encode(), stdout=subprocess.PIPE,
        check=True, timeout=60,
    ).stdout.decode()  # fmt: skip
    for hash_, operator, signature in (
        ("5f" * 32, "ada", given),  # of another plan
        (HASH, "bob", given),  # of another operator
        (HASH, "ada", sign(HASH, mallory)),  # by another key
        (HASH, "ada", elsewhere),  # for something else
        (HASH, "ada", given.replace("A", "B")),
        (HASH, "ada", "yes"),
        (HASH, "-O", given),
    ):
        with pytest.raises(UsageError, match=f"no signature of {operator} over this plan: ") as refused:
            verify(hash_, operator, signature, signers)
        assert "--sign KEYFILE" in refused.value.hint and str(tmp_path) in refused.value.hint


@needs_ssh_keygen
def test_keys_are_listed_where_operators_alone_may_write(ada: Path, signers: Path, tmp_path: Path) -> None:
    given = sign(HASH, ada)
    for missing in (None, tmp_path / "none"):
        with pytest.raises(ConfigError, match="no signature can be checked") as refused:
            verify(HASH, "ada", given, missing)
        assert refused.value.hint.endswith('ada namespaces="andon-plan" ssh-ed25519 AAAA…')
    signers.chmod(0o666)
    with pytest.raises(ConfigError, match="others may write"):
        verify(HASH, "ada", given, signers)


@needs_ssh_keygen
def test_what_is_no_key_signs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="there is no key"):
        sign(HASH, tmp_path / "none")
    (tmp_path / "-odd").write_text("no key")
    with pytest.raises(UsageError, match="did not sign with"):
        sign(HASH, tmp_path / "-odd")
    assert "-odd" in capfd.readouterr().err  # its own words


def test_a_host_without_ssh_keygen_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "key").write_text("")
    (tmp_path / "signers").write_text("")
    with pytest.raises(ConfigError, match="there is no ssh-keygen") as refused:
        sign(HASH, tmp_path / "key")
    assert "openssh-client" in refused.value.hint
    with pytest.raises(ConfigError, match="there is no ssh-keygen"):
        verify(HASH, "ada", "", tmp_path / "signers")
