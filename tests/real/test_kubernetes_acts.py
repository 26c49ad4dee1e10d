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
    ("kubernetes.set_args", {"args": ["--slow"]}),
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

    with pytest.raises(ActRefused, match="somebody else"):
        acts.act(Act(action, "prod", draft.target, draft.restore, {"key": "not ours"}), "key-3")
    back = Act(action, "prod", draft.target, draft.restore, facts if action != "kubernetes.scale" else {"key": "key-1"})
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


def crd(group: str, version: str, kind: str, plural: str) -> dict[str, Any]:
    """A kind of somebody else's, that takes anything; its status has a path of its own."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [served]}
    allowed = {"api-approved.kubernetes.io": "unapproved, of a test"}  # groups of Kubernetes' own ask for that
    meta = {"name": f"{plural}.{group}", "annotations": allowed}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def own(here: Cluster, group: str, version: str, kind: str, plural: str, name: str, **told: Any) -> str:
    """Make an object of such a kind; its path."""
    here.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd(group, version, kind, plural))
    path = f"/apis/{group}/{version}/namespaces/default/{plural}"
    here.wait(lambda: can_be_listed(here, path), what=f"the kind {kind}")
    here.apply(path, {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, **told})
    return f"{path}/{name}"


def can_be_listed(here: Cluster, path: str) -> bool:
    try:
        return "items" in here.ask("GET", path)
    except Exception:  # noqa: BLE001 - whatever the server says until it knows the kind
        return False


def once_and_back(here: Cluster, acts: Any, path: str, action: str, **told: Any) -> tuple[Any, Any]:
    """Do it, see that it was done once, and put it back; what it was, and what it was in between."""
    before = here.ask("GET", path)
    draft = acts.draft(action, options(action, **told))
    assert draft.restore is not None
    act = act_of(action, draft)
    assert acts.did(act, "key-1") is False
    facts = acts.act(act, "key-1")
    assert acts.did(act, "key-1") is True
    between = here.ask("GET", path)
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, "key-2")
    acts.act(Act(action, "prod", draft.target, draft.restore, facts), "key-3")
    return before, between


def test_an_autoscalers_bounds_are_set_and_put_back(here: Cluster, acts: Any) -> None:
    here.apply(DEPLOYMENTS, deployment("bounded", "good:1"))
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "bounded"}
    spec = {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": target}
    here.apply(
        path,
        {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "b"}, "spec": spec},
    )
    before, between = once_and_back(here, acts, f"{path}/b", "kubernetes.patch_hpa", workload="bounded", most_by=2)
    assert (before["spec"]["maxReplicas"], between["spec"]["maxReplicas"]) == (3, 5)
    assert here.ask("GET", f"{path}/b")["spec"] == before["spec"]


def test_a_rollout_is_aborted_and_tried_again(here: Cluster, acts: Any) -> None:
    path = own(here, "argoproj.io", "v1alpha1", "Rollout", "rollouts", "canaried", spec={"replicas": 2})
    _before, between = once_and_back(here, acts, path, "kubernetes.shift_weight", workload="canaried", to="stable")
    assert between["status"]["abort"] is True
    assert not here.ask("GET", path).get("status", {}).get("abort")
    with pytest.raises(UsageError, match="goes by its own steps"):
        acts.draft("kubernetes.shift_weight", options("kubernetes.shift_weight", workload="canaried", weight=20))


def test_a_routes_weights_are_set_and_put_back(here: Cluster, acts: Any) -> None:
    backends = [{"name": "routed", "port": 80, "weight": 70}, {"name": "routed-canary", "port": 80, "weight": 30}]
    path = own(
        here,
        "gateway.networking.k8s.io",
        "v1",
        "HTTPRoute",
        "httproutes",
        "routed",
        spec={"rules": [{"backendRefs": backends}]},
    )
    before, between = once_and_back(here, acts, path, "kubernetes.shift_weight", workload="routed", to="stable")
    assert [each["weight"] for each in between["spec"]["rules"][0]["backendRefs"]] == [100, 0]
    assert here.ask("GET", path)["spec"] == before["spec"]


POD = {"restartPolicy": "Never", "containers": [{"name": "train", "image": "good:1"}]}
JOB = {"metadata": {"labels": {"app": "trains"}}, "spec": {"template": {"spec": POD}}}
CRON = {"schedule": "0 3 * * *", "jobTemplate": JOB}


def test_a_feed_is_paused_and_goes_on(here: Cluster, acts: Any) -> None:
    path = cron(here, "chat-feed")
    before, between = once_and_back(here, acts, path, "pipeline.pause", model="chat")
    assert between["spec"]["suspend"] is True
    assert bool(here.ask("GET", path)["spec"].get("suspend")) is bool(before["spec"].get("suspend"))


def test_a_job_is_made_once_however_often(here: Cluster, acts: Any) -> None:
    cron(here, "chat-retrain")
    draft = acts.draft("model.retrain", options("model.retrain", model="chat"))
    act = act_of("model.retrain", draft)
    assert draft.restore is None and acts.did(act, "0123456789abcdef") is False
    acts.act(act, "0123456789abcdef")
    with pytest.raises(ActRefused, match="409"):
        acts.act(act, "0123456789abcdef")
    jobs = here.ask("GET", "/apis/batch/v1/namespaces/default/jobs")["items"]
    assert [job["metadata"]["name"] for job in jobs if job["metadata"]["name"].startswith("chat-retrain")] == [
        "chat-retrain-0123456789abcdef"
    ]
    assert acts.did(act, "0123456789abcdef") is True


def test_a_switch_is_set_and_put_back(here: Cluster, acts: Any) -> None:
    maps = "/api/v1/namespaces/default/configmaps"
    here.apply(maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chat-flags"}})
    _before, between = once_and_back(here, acts, f"{maps}/chat-flags", "model.fallback", model="chat", to="small")
    assert between["data"] == {"fallback": "small"}
    assert not here.ask("GET", f"{maps}/chat-flags").get("data")
    _before, between = once_and_back(
        here, acts, f"{maps}/chat-flags", "model.quarantine_feature", model="chat", feature="age"
    )
    assert between["data"] == {"without.age": "true"}
    with pytest.raises(UsageError, match="is no key"):
        acts.draft("model.quarantine_feature", options("model.quarantine_feature", model="chat", feature="a/b"))
    with pytest.raises(UsageError, match="no configmaps called 'other-flags'"):
        acts.draft("model.fallback", options("model.fallback", model="other"))


@pytest.mark.parametrize("action", ["kubernetes.evict", "kubernetes.delete_pod"])
def test_one_pod_is_ended_and_not_the_one_that_follows(here: Cluster, acts: Any, action: str) -> None:
    name = action.partition(".")[2].replace("_", "-")
    here.apply(DEPLOYMENTS, deployment(name, "good:1"))
    settle(here, name)
    pod = pods(here, name)[0]["metadata"]
    draft = acts.draft(action, options(action, pod=pod["name"]))
    act = act_of(action, draft)
    assert draft.restore is None and not draft.warnings and acts.did(act, "key") is False
    other = Act(action, "prod", act.target, act.set, {"uid": "00000000-0000-0000-0000-000000000000"})
    with pytest.raises(ActRefused):
        acts.act(other, "key")
    acts.act(act, "key")
    here.wait(lambda: acts.did(act, "key"), what="the pod's end")
    with pytest.raises(ActRefused, match="not there any more"):
        acts.act(act, "key-2")


def test_an_eviction_that_a_budget_forbids_is_refused(here: Cluster, acts: Any) -> None:
    here.apply(DEPLOYMENTS, deployment("budgeted", "good:1"))
    settle(here, "budgeted")
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "budgeted"}}}
    path = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets"
    here.apply(
        path, {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": budget}
    )
    here.wait(lambda: here.ask("GET", f"{path}/b").get("status", {}).get("currentHealthy") == 2, what="the budget")
    pod = pods(here, "budgeted")[0]["metadata"]["name"]
    act = act_of("kubernetes.evict", acts.draft("kubernetes.evict", options("kubernetes.evict", pod=pod)))
    with pytest.raises(ActRefused, match="429"):
        acts.act(act, "key")
    assert acts.did(act, "key") is False
    here.ask("DELETE", f"{path}/b")


def cron(here: Cluster, name: str) -> str:
    path = "/apis/batch/v1beta1/namespaces/default/cronjobs"
    here.apply(path, {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": name}, "spec": CRON})
    return f"{path}/{name}"


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
    with pytest.raises(ActRefused, match="403"):
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
    here.wait(lambda: acts.did(act, "key-drain"), what="all pods elsewhere")
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
