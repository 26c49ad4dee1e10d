"""kill -9 while a real Kubernetes control plane is being changed: a Deployment's generation says how often it was."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._remedy_kill import Trial, killed
from benchmarks._remedy_stage import staged
from console.library import add_plugin_folder, library_dir
from console.model import Act
from console.plugins import load_plugins

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))  # how a control plane is started
import kubeserver

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LATEST = 2.5  # seconds: a child is started for each act


def why_not() -> str:
    """Why there is no control plane here; empty where there can be one."""
    return kubeserver.why_not()


def trials(count: int, seed: int) -> list[Trial]:
    """So many, one after the other, each on a Deployment of its own."""
    add_plugin_folder(library_dir("plugins"))
    with tempfile.TemporaryDirectory(prefix="andon-kube-") as temporary:
        folder = Path(temporary)
        with kubeserver.cluster_with_node(folder / "kube") as (here, _kubelet):
            return [_trial(here, folder / str(number), seed + number) for number in range(count)]


def _trial(here: Any, folder: Path, seed: int) -> Trial:
    from andon_plugins._kubernetes_acts import open_acts

    name = f"bench-{seed}"
    here.apply(DEPLOYMENTS, kubeserver.deployment(name, "good:1"))
    config = str(here.kubeconfig())
    acts = open_acts("cluster", kubeconfig=config)
    options = load_plugins().by_name("andon_actions")["kubernetes.scale"].options(workload=name, replicas=4)
    draft = acts.draft("kubernetes.scale", options.model_dump(mode="json"))
    acts.close()
    act = Act("kubernetes.scale", "cluster", draft.target, draft.set, draft.expect)
    table = f'[actuators.cluster]\nkind = "kubernetes"\nkubeconfig = {json.dumps(config)}\n'

    def count(does: str) -> Any:
        def done() -> int:
            written = int(here.ask("GET", f"{DEPLOYMENTS}/{name}")["metadata"]["generation"]) - 1
            return written - (1 if does == "take back" else 0)

        return done

    with staged(folder, table) as stage:
        hashes = stage.prepare(act, draft.restore or {})
        return killed(stage, act, hashes[0], count, np.random.default_rng([seed, 78]), LATEST)
