"""Whose process it is that a GPU runs: containers, pods and command lines, as kernels and runtimes write them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from console.library import library_dir
from console.plugins import load_file

load_file(library_dir("plugins") / "nvml.py")

ID = "3f9c1b" + "0123456789abcdef" * 4
ID = ID[:64]
UID = "0a1b2c3d-1111-4222-8333-00000000000f"
UNDER = UID.replace("-", "_")


def processes() -> Any:
    from andon_plugins import _nvml_processes

    return _nvml_processes


@pytest.mark.parametrize(
    ("groups", "container", "pod"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID[:12], ""),
        (f"12:memory:/docker/{ID}\n11:cpu:/docker/{ID}\n0::/system.slice/containerd.service\n", ID[:12], ""),
        (f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDER}.slice/cri-containerd-{ID}.scope",
         ID[:12], UID),
        (f"0::/kubepods.slice/kubepods-pod{UNDER}.slice/crio-{ID}.scope/container\n", ID[:12], UID),
        (f"5:devices:/kubepods/besteffort/pod{UID}/{ID}\n1:name=systemd:/kubepods/besteffort/pod{UID}/{ID}\n",
         ID[:12], UID),
        (f"0::/system.slice/containerd.service/kubepods-pod{UNDER}.slice:cri-containerd:{ID}", ID[:12], UID),
        (f"0::/machine.slice/libpod-{ID}.scope\n", ID[:12], ""),
        (f"0::/kubepods/pod{UID.replace('-', '')}/{ID}", ID[:12], UID.replace("-", "")),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "", ""),
        ("0::/\n", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_container_and_pod_are_read_off_the_cgroup(groups: str, container: str, pod: str) -> None:
    assert processes().container_and_pod(groups) == (container, pod)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/usr/bin/python3\0-m\0serve\0--port\08000\0", "python3 -m serve --port 8000"),
        ("vllm\0--api-key\0sk-1234567890abcdef\0--model\0x\0", "vllm --api-key ••• --model x"),
        ("vllm\0--api-key=abc\0--hf-token\0hf_x\0", "vllm --api-key=••• --hf-token •••"),
        (
            "sh\0-c\0HF_TOKEN=hf_x PGPASSWORD='y' run --tokenizer z\0",
            "sh -c HF_TOKEN=••• PGPASSWORD='•••' run --tokenizer z",
        ),
        ("curl\0-H\0Authorization: Bearer abc\0", "curl -H Authorization: ••• •••"),
        ("job\0postgres://me:pw@db/x\0", "job postgres://•••@db/x"),
        ('job\0{"api_key": "abc", "n": 1}\0', 'job {"api_key": "•••", "n": 1}'),
        ("evil\0\x1b]0;title\x07\x1b[2Jname\n\0", "evil name"),
        ("", ""),
    ],
)
def test_commands_are_shown_clean_and_without_secrets(line: str, shown: str) -> None:
    assert processes().command_shown(line) == shown


def test_long_commands_are_cut_and_soon() -> None:
    began = time.process_time()
    assert len(processes().command_shown("x\0" + "y" * 8000)) == 160
    assert len(processes().command_shown("x\0" + "y\0" * 4000)) == 160
    assert time.process_time() - began < 0.5


def test_what_proc_does_not_tell_is_empty(tmp_path: Path) -> None:
    Owner, owner = processes().Owner, processes().owner  # noqa: N806
    assert owner(1, tmp_path) == Owner()
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"0::/system.slice/docker-{ID}.scope\n")
    found = owner(7, tmp_path)
    assert (found.command, found.container) == ("", ID[:12])
    assert found.user
