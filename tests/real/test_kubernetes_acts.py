"""Changes of a real cluster: planned by dry run, done once, taken back, and told from each other afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeserver import Cluster, cluster_with_node, deployment, why_not

from console.errors import ActRefused, UsageError
from console.library import add_plugin_folder, library_dir
from console.model import Act, Draft

pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(why_not()), reason=why_not())]

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_with_node(tmp_path_factory.mktemp("kube")) as (found, kubelet):
        kubelet.add_node("gpu-2")
        yield found


@pytest.fixture
def acts(here: Cluster) -> Iterator[Any]:
    add_plugin_folder(library_dir("plugins"))
    from andon_plugins._kubernetes_acts import open_acts

    found = open_acts("prod", kubeconfig=str(here.kubeconfig()))
    yield found
    found.close()


def options(action: str, **told: Any) -> dict[str, Any]:
    """As the action's own model fills them in."""
    from console.plugins import load_plugins

    return load_plugins().by_name("andon_actions")[action].options(**told).model_dump(mode="json")


def act_of(action: str, draft: Draft) -> Act:
    return Act(action, "prod", draft.target, draft.set, draft.expect)


ACTIONS = [
    ("kubernetes.scale", {"by": 1}),
    ("kubernetes.set_image", {"image": "good:2"}),
    ("kubernetes.set_env", {"env": {"MODE": "slow"}}),
    ("kubernetes.undo", {}),
]


@pytest.mark.parametrize(("action", "told"), ACTIONS, ids=[name for name, _ in ACTIONS])
def test_a_workload_is_changed_once_and_put_back(
    here: Cluster, acts: Any, action: str, told: dict[str, Any], tmp_path: Path
) -> None:
    name = action.partition(".")[2].replace("_", "-")
    here.apply(DEPLOYMENTS, deployment(name, "good:1"))
    if action == "kubernetes.undo":
        settle(here, name)
        here.patch(f"{DEPLOYMENTS}/{name}", _image("bad:1"))
        settle(here, name)
    before = here.ask("GET", f"{DEPLOYMENTS}/{name}")
    draft = acts.draft(action, options(action, workload=name, **told))
    assert draft.changes and draft.restore is not None
    unchanged = here.ask("GET", f"{DEPLOYMENTS}/{name}")
    assert unchanged["spec"] == before["spec"]  # a dry run

    act = act_of(action, draft)
    assert acts.did(act, "key-1") is False
    facts = acts.act(act, "key-1")
    assert acts.did(act, "key-1") is True
    after = here.ask("GET", f"{DEPLOYMENTS}/{name}")
    assert after["spec"] != before["spec"]
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, "key-2")
    assert acts.did(act, "key-2") is None  # somebody acted since this was planned

    back = Act(action, "prod", draft.target, draft.restore, facts)
    acts.act(back, "key-3")
    assert here.ask("GET", f"{DEPLOYMENTS}/{name}")["spec"] == before["spec"]


def test_a_node_is_cordoned_tainted_and_given_back(here: Cluster, acts: Any) -> None:
    for action, told in (("kubernetes.cordon", {}), ("kubernetes.taint", {})):
        before = here.ask("GET", "/api/v1/nodes/gpu-2")["spec"]
        draft = acts.draft(action, options(action, node="gpu-2", **told))
        facts = acts.act(act_of(action, draft), f"key-{action}")
        assert here.ask("GET", "/api/v1/nodes/gpu-2")["spec"] != before
        acts.act(Act(action, "prod", draft.target, draft.restore, facts), f"back-{action}")
        assert {k: v for k, v in here.ask("GET", "/api/v1/nodes/gpu-2")["spec"].items() if v} == before


def test_what_is_not_there_or_not_clear_is_said(here: Cluster, acts: Any) -> None:
    with pytest.raises(UsageError, match="has no workload 'nobody'"):
        acts.draft("kubernetes.scale", options("kubernetes.scale", workload="nobody", by=1))
    with pytest.raises(UsageError, match="has no node"):
        acts.draft("kubernetes.cordon", options("kubernetes.cordon", node="gpu-9"))


def test_somebody_elses_change_meanwhile_refuses_ours(here: Cluster, acts: Any) -> None:
    here.apply(DEPLOYMENTS, deployment("raced", "good:1"))
    draft = acts.draft("kubernetes.scale", options("kubernetes.scale", workload="raced", replicas=5))
    here.patch(f"{DEPLOYMENTS}/raced", {"spec": {"replicas": 3}})
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act_of("kubernetes.scale", draft), "key")
    assert here.ask("GET", f"{DEPLOYMENTS}/raced")["spec"]["replicas"] == 3


def test_who_may_not_is_refused_and_nothing_is_changed(here: Cluster, acts: Any) -> None:
    from andon_plugins._kubernetes_acts import open_acts

    here.apply(DEPLOYMENTS, deployment("guarded", "good:1"))
    draft = acts.draft("kubernetes.scale", options("kubernetes.scale", workload="guarded", replicas=5))
    viewer = open_acts("prod", kubeconfig=str(here.kubeconfig("viewer")))
    with pytest.raises((ActRefused, UsageError)):
        viewer.act(act_of("kubernetes.scale", draft), "key")
    assert here.ask("GET", f"{DEPLOYMENTS}/guarded")["spec"]["replicas"] == 2


def test_a_drain_moves_what_may_be_moved(here: Cluster, acts: Any) -> None:
    here.apply(DEPLOYMENTS, deployment("movable", "good:1", replicas=2))
    settle(here, "movable")
    node = pods(here, "movable")[0]["spec"]["nodeName"]
    draft = acts.draft("kubernetes.drain", options("kubernetes.drain", node=node))
    assert any(change.path.startswith("pod default/movable") for change in draft.changes)
    act = act_of("kubernetes.drain", draft)
    facts = acts.act(act, "key-drain")
    settle(here, "movable")
    assert all(pod["spec"]["nodeName"] != node for pod in pods(here, "movable"))
    assert acts.did(act, "key-drain") is True
    acts.act(Act(act.action, "prod", draft.target, draft.restore, facts), "key-back")
    assert not here.ask("GET", f"/api/v1/nodes/{node}")["spec"].get("unschedulable")


def _image(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "server", "image": image}]}}}}


def pods(here: Cluster, name: str) -> list[dict[str, Any]]:
    """Those of a deployment that are not on their way out."""
    found = here.ask("GET", f"/api/v1/namespaces/default/pods?labelSelector=app%3D{name}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def settle(here: Cluster, name: str) -> None:
    """Wait until its newest pods run, and no other."""

    def is_settled() -> bool:
        live = here.ask("GET", f"{DEPLOYMENTS}/{name}")
        told, wanted = live["status"], live["spec"]["replicas"]
        is_seen = told.get("observedGeneration") == live["metadata"]["generation"]
        return is_seen and told.get("updatedReplicas") == told.get("readyReplicas") == told.get("replicas") == wanted

    here.wait(is_settled, what=f"a settled {name}")
