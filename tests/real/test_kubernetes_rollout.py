"""A rollout gone bad on a real control plane: event, finding and cause on screen, and from one look without a store."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeserver import Cluster, cluster_with_node, deployment, why_not
from tmuxes import Tmux, is_installed, tmux

from console.library import library_dir

pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(why_not()), reason=why_not())]

PLAYBOOK = library_dir("playbooks") / "bad_rollout.yaml"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
NOTICED_SECONDS = 240.0  # a minute of waiting containers, two looks at the triggers, and a busy machine
READ_SECONDS = 60.0
MOST_STEPS = 40  # of the playbook, with what each found
TITLE = "An image cannot be pulled"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_with_node(tmp_path_factory.mktemp("kube")) as (here, _kubelet):
        yield here


@pytest.fixture
def healthy(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with one Deployment of two pods, both of them ready."""
    cluster.apply(DEPLOYMENTS, deployment("checkout", "checkout:1", gpus=1))
    cluster.wait(lambda: ready(cluster) == 2, what="a healthy deployment")
    yield cluster
    cluster.kubectl("delete", "deployment", "checkout", "--wait=true", "--timeout=60s")


def ready(cluster: Cluster) -> int:
    return int(cluster.ask("GET", f"{DEPLOYMENTS}/checkout")["status"].get("readyReplicas", 0))


def run_playbook(cluster: Cluster, data: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """`andon run` without a daemon or a store: its exit code and its diagnosis."""
    command = [sys.executable, "-m", "console.cli", "--data", str(data), "--source", f"k8s={cluster.kubeconfig()}",
               "--format", "json", "run", str(PLAYBOOK), *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=os.environ)
    return done.returncode, json.loads(done.stdout)


def break_it(cluster: Cluster) -> None:
    cluster.kubectl("set", "image", "deployment/checkout", "server=missing:2")
    cluster.wait(lambda: "ImagePullBackOff" in cluster.kubectl("get", "pods"), what="a pod without its image")


def test_one_look_without_a_store_concludes(healthy: Cluster, tmp_path: Path) -> None:
    code, diagnosis = run_playbook(healthy, tmp_path)
    assert (code, diagnosis["verdict"], diagnosis["causes"]) == (0, "ok", [])
    break_it(healthy)
    code, diagnosis = run_playbook(healthy, tmp_path)
    assert (code, diagnosis["verdict"]) == (1, "degraded")
    causes = {each["id"]: each for each in diagnosis["causes"]}
    assert list(causes) == ["image_missing", "bad_rollout"]  # the more exact one first
    assert all(each["subject"] == "checkout" for each in causes.values())
    assert causes["image_missing"]["probability"] > 0.95 and causes["bad_rollout"]["probability"] > 0.75
    findings = {each["id"]: each for each in diagnosis["findings"]}
    cited = [findings[id_] for id_ in causes["bad_rollout"]["evidence"]]
    assert any(each["event"] and "checkout:1 → missing:2" in each["event"]["title"] for each in cited)
    assert any(each["signal"] == "workload.pods.unready" for each in cited)


def test_a_cluster_that_is_away_is_no_healthy_cluster(healthy: Cluster, tmp_path: Path) -> None:
    healthy.stop("kube-apiserver")
    try:
        code, diagnosis = run_playbook(healthy, tmp_path)
    finally:
        healthy.start("kube-apiserver")
        healthy.wait(healthy.is_ready, 90, "the API server")
    assert code == 4
    assert diagnosis["causes"] == []


@pytest.mark.skipif(not is_installed(), reason="needs tmux: `make test-real` installs it")
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
def test_a_daemon_that_was_just_installed_shows_event_finding_and_cause(
    healthy: Cluster, tmp_path: Path, width: int, height: int
) -> None:
    config = tmp_path / "config.toml"
    kubeconfig = json.dumps(str(healthy.kubeconfig()))
    config.write_text(f'[daemon]\ninterval = "2s"\n[sources.k8s]\nkind = "kubernetes"\nkubeconfig = {kubeconfig}\n')
    command = [sys.executable, "-m", "console.cli", "--config", str(config), "--data", str(tmp_path / "data")]
    daemon = subprocess.Popen([*command, "daemon"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert daemon.stderr is not None  # a console that comes first starts another, which nobody would end
        assert any(b"daemon ready" in line for line in daemon.stderr)
        with tmux(command, width=width, height=height) as terminal:
            terminal.wait(lambda text: "checkout" in text, READ_SECONDS)
            break_it(healthy)
            terminal.wait(lambda text: "I-1" in text and TITLE[:20] in text, NOTICED_SECONDS)
            terminal.press_what_says("open")
            terminal.wait(lambda text: " triage " in text.splitlines()[0], READ_SECONDS)
            terminal.wait(lambda _text: TITLE in said(terminal), READ_SECONDS)  # the cause
            terminal.wait(lambda _text: "reason=ImagePullBackOff" in said(terminal), READ_SECONDS)  # the finding
            for _step in range(MOST_STEPS):  # the event: where there is no room for all, at the step that found it
                if "checkout:1 → missing:2" in said(terminal):
                    break
                terminal.press("Down")
                time.sleep(0.5)
            assert "checkout:1 → missing:2" in said(terminal), terminal.text
            terminal.press_what_says("quit")
    finally:
        daemon.terminate()
        daemon.communicate(timeout=20)


def said(terminal: Tmux) -> str:
    """Everything on the screen as one text, whatever was wrapped or boxed."""
    return re.sub(r"[\s│]+", " ", terminal.text)
