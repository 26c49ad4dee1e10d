"""Changes of a real cluster: planned by dry run, done once, taken back, and told from each other afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeserver import MERGE, Cluster, cluster_with_node, deployment, why_not
from ruamel.yaml import YAML

from console.errors import ActRefused, UsageError
from console.library import add_plugin_folder, library_dir
from console.model import Act, Draft

pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(why_not()), reason=why_not())]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster in which the user `writer` has the role of docs/remedies.md, and no other."""
    with cluster_with_node(tmp_path_factory.mktemp("kube")) as (found, kubelet):
        kubelet.add_node("gpu-2")
        found.apply(f"{RBAC}/clusterroles", documented_role())
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "andon-remedies"}
        who = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "writers"}
        binding = {"metadata": {"name": "andon-remedies"}, "roleRef": ref, "subjects": [who]}
        found.apply(f"{RBAC}/clusterrolebindings", binding)
        yield found


def documented_role() -> dict[str, Any]:
    page = (Path(__file__).parents[2] / "docs" / "remedies.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    role: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return role


@pytest.fixture
def acts(here: Cluster) -> Iterator[Any]:
    add_plugin_folder(library_dir("plugins"))
    from andon_plugins._kubernetes_acts import open_acts

    found = open_acts("prod", kubeconfig=str(here.kubeconfig("writer")))
    yield found
    found.close()


def options(action: str, **told: Any) -> dict[str, Any]:
    """As the action's own model fills them in."""
    from console.plugins import load_plugins

    return load_plugins().by_name("andon_actions")[action].options(**told).model_dump(mode="json")


def act_of(action: str, draft: Draft) -> Act:
    return Act(action, "prod", draft.target, draft.set, draft.expect)


ACTIONS: list[tuple[str, dict[str, Any]]] = [
    ("kubernetes.scale", {"by": 1}),
    ("kubernetes.set_image", {"image": "good:2"}),
    ("kubernetes.set_env", {"env": {"MODE": "slow"}}),
    ("kubernetes.set_args", {"args": ["--slow"]}),
    ("kubernetes.undo", {}),
]


@pytest.mark.parametrize(("action", "told"), ACTIONS, ids=[name for name, _ in ACTIONS])
def test_a_workload_is_changed_once_and_put_back(here: Cluster, acts: Any, action: str, told: dict[str, Any]) -> None:
    name = action.partition(".")[2].replace("_", "-")
    here.apply(DEPLOYMENTS, deployment(name, "good:1"))
    if action == "kubernetes.undo":
        settle(here, name)
        secret = [{"name": "GREETING", "value": "hunter2"}]
        here.patch(f"{DEPLOYMENTS}/{name}", _container(image="bad:1", env=secret))
        settle(here, name)
        assert "hunter2" not in repr(acts.draft(action, options(action, workload=name)))
    _before, between = once_and_back(here, acts, f"{DEPLOYMENTS}/{name}", action, workload=name, **told)
    container = between["spec"]["template"]["spec"]["containers"][0]
    seen = {"kubernetes.scale": between["spec"]["replicas"], "kubernetes.set_env": container.get("env"),
            "kubernetes.set_args": container["args"]}  # fmt: skip
    wanted = {"kubernetes.scale": 3, "kubernetes.set_env": [{"name": "MODE", "value": "slow"}],
              "kubernetes.set_args": ["--slow"]}  # fmt: skip
    image = {"kubernetes.set_image": "good:2"}
    assert seen.get(action) == wanted.get(action) and container["image"] == image.get(action, "good:1")


def test_all_pods_are_made_anew_and_that_is_not_taken_back(here: Cluster, acts: Any) -> None:
    here.apply(DEPLOYMENTS, deployment("restarted", "good:1"))
    settle(here, "restarted")
    before = {pod["metadata"]["uid"] for pod in pods(here, "restarted")}
    draft = acts.draft("kubernetes.restart", options("kubernetes.restart", workload="restarted"))
    act = act_of("kubernetes.restart", draft)
    assert draft.restore is None and acts.did(act, "key") is False
    acts.act(act, "key")
    assert acts.did(act, "key") is True
    settle(here, "restarted")
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in pods(here, "restarted"))
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, "key-2")


def test_a_variable_is_its_own_whatever_else_comes_in_between(here: Cluster, acts: Any) -> None:
    path = f"{DEPLOYMENTS}/varied"
    here.apply(DEPLOYMENTS, deployment("varied", "good:1"))
    env = [{"name": "API_KEY", "value": "hunter2"}, {"name": "MODE", "value": "fast"}]
    here.patch(path, _container(env=env))
    told = options("kubernetes.set_env", workload="varied", env={"MODE": "slow", "NEW": "1"})
    draft = acts.draft("kubernetes.set_env", told)
    assert "hunter2" not in repr(draft)
    assert {change.path.rpartition("containers")[2] for change in draft.changes} == {
        "[server].env[MODE].value", "[server].env[NEW]"
    }  # fmt: skip
    act = act_of("kubernetes.set_env", draft)
    sidecar = [{"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "first", "image": "good:1"}},
               {"op": "remove", "path": "/spec/template/spec/containers/1/env/0"}]  # fmt: skip
    here.patch(path, sidecar, kind="application/json-patch+json")
    facts = acts.act(act, "key-1")
    containers = {each["name"]: each for each in here.ask("GET", path)["spec"]["template"]["spec"]["containers"]}
    assert "env" not in containers["first"]
    assert containers["server"]["env"] == [{"name": "MODE", "value": "slow"}, {"name": "NEW", "value": "1"}]
    acts.act(Act(act.action, "prod", draft.target, draft.restore, facts), "key-2")
    containers = {each["name"]: each for each in here.ask("GET", path)["spec"]["template"]["spec"]["containers"]}
    assert containers["server"]["env"] == [{"name": "MODE", "value": "fast"}]


@pytest.mark.parametrize("action", ["kubernetes.cordon", "kubernetes.taint"])
def test_a_node_is_marked_and_given_back(here: Cluster, acts: Any, action: str) -> None:
    path = "/api/v1/nodes/gpu-2"
    here.wait(lambda: not here.ask("GET", path)["spec"].get("taints"), what="a node without the taint of a cordon")
    _before, between = once_and_back(here, acts, path, action, node="gpu-2")
    marks = {
        "kubernetes.cordon": between["spec"].get("unschedulable"),
        "kubernetes.taint": between["spec"].get("taints"),
    }
    assert marks[action]


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
    """Plan it, do it, see that it is done once, and put it back; what it was, and what it was in between."""
    before = here.ask("GET", path)
    draft = acts.draft(action, options(action, **told))
    assert draft.changes and draft.restore is not None
    assert asked_for(here.ask("GET", path)) == asked_for(before)  # a dry run

    act = act_of(action, draft)
    assert acts.did(act, "key-1") is False
    facts = acts.act(act, "key-1")
    assert acts.did(act, "key-1") is True
    between = here.ask("GET", path)
    assert asked_for(between) != asked_for(before)
    if "by" not in told and "most_by" not in told and action != "kubernetes.undo":
        assert acts.draft(action, options(action, **told)).changes == ()  # it is so already
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, "key-2")
    assert acts.did(act, "key-2") is None  # somebody acted since this was planned
    with pytest.raises(ActRefused, match="somebody else"):
        acts.act(Act(action, "prod", draft.target, draft.restore, {"key": "not ours"}), "key-2")
    refused = here.ask("GET", path)
    assert asked_for(refused) == asked_for(between)
    assert refused["metadata"]["annotations"]["andon.dev/act"] == "key-1"

    unseen = {"key": "key-1"}  # what is known where nobody lived to see the receipt
    back = Act(action, "prod", draft.target, draft.restore, unseen if action == "kubernetes.scale" else facts)
    assert acts.did(back, "key-3") is False
    acts.act(back, "key-3")
    assert acts.did(back, "key-3") is True
    assert asked_for(here.ask("GET", path)) == asked_for(before)
    return before, between


def asked_for(live: dict[str, Any]) -> dict[str, Any]:
    """Of an object, what people say of it: all but what its controllers report, and the taint of a cordoned node."""
    found = {name: told for name, told in live.items() if name in ("spec", "data") and told}
    spec = {name: told for name, told in found.get("spec", {}).items() if told not in (None, False, [])}
    spec["taints"] = [each for each in spec.get("taints", ()) if "unschedulable" not in each["key"]]
    labels = live["metadata"].get("labels")
    return {**found, "spec": spec, "labels": labels, "abort": live.get("status", {}).get("abort")}


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


def test_a_rollout_is_aborted_and_tried_again(here: Cluster, acts: Any) -> None:
    path = own(here, "argoproj.io", "v1alpha1", "Rollout", "rollouts", "canaried", spec={"replicas": 2})
    _before, between = once_and_back(here, acts, path, "kubernetes.shift_weight", workload="canaried", to="stable")
    assert between["status"]["abort"] is True
    with pytest.raises(UsageError, match="goes by its own steps"):
        acts.draft("kubernetes.shift_weight", options("kubernetes.shift_weight", workload="canaried", weight=20))
    here.patch(f"{path}/status", {"status": {"stableRS": "5c97", "currentPodHash": "5c97"}}, kind=MERGE)
    with pytest.raises(UsageError, match="has no canary"):
        acts.draft("kubernetes.shift_weight", options("kubernetes.shift_weight", workload="canaried", to="stable"))


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
    _before, between = once_and_back(here, acts, path, "kubernetes.shift_weight", workload="routed", to="stable")
    assert [each["weight"] for each in between["spec"]["rules"][0]["backendRefs"]] == [100, 0]

    draft = acts.draft("kubernetes.shift_weight", options("kubernetes.shift_weight", workload="routed", weight=10))
    here.patch(path, {"spec": {"rules": [{"backendRefs": backends[::-1]}]}}, kind=MERGE)  # another order, the same
    acts.act(act_of("kubernetes.shift_weight", draft), "key")
    held = here.ask("GET", path)["spec"]["rules"][0]["backendRefs"]
    assert {each["name"]: each["weight"] for each in held} == {"routed": 90, "routed-canary": 10}


POD = {"restartPolicy": "Never", "containers": [{"name": "train", "image": "good:1"}]}
JOB = {"metadata": {"labels": {"app": "trains"}}, "spec": {"template": {"spec": POD}}}
CRON = {"schedule": "0 3 * * *", "jobTemplate": JOB}


def test_a_feed_is_paused_and_goes_on(here: Cluster, acts: Any) -> None:
    path = cron(here, "chat-feed")
    _before, between = once_and_back(here, acts, path, "pipeline.pause", model="chat")
    assert between["spec"]["suspend"] is True


def test_a_job_is_made_once_however_often(here: Cluster, acts: Any) -> None:
    cron(here, "chat-retrain")
    draft = acts.draft("model.retrain", options("model.retrain", model="chat"))
    act = act_of("model.retrain", draft)
    assert draft.restore is None and acts.did(act, "0123456789abcdef") is False
    assert retrained(here) == []
    acts.act(act, "0123456789abcdef")
    acts.act(act, "0123456789abcdef")
    assert retrained(here) == ["chat-retrain-0123456789abcdef"]
    assert acts.did(act, "0123456789abcdef") is True and acts.did(act, "another") is False

    draft = acts.draft("model.retrain", options("model.retrain", model="chat"))
    other = {"spec": {"jobTemplate": {"spec": {"backoffLimit": 1}}}}
    here.patch("/apis/batch/v1beta1/namespaces/default/cronjobs/chat-retrain", other, kind=MERGE)
    with pytest.raises(ActRefused, match="would run something else now"):
        acts.act(act_of("model.retrain", draft), "key-2")
    assert len(retrained(here)) == 1


def retrained(here: Cluster) -> list[str]:
    jobs = here.ask("GET", "/apis/batch/v1/namespaces/default/jobs")["items"]
    return [job["metadata"]["name"] for job in jobs if job["metadata"]["name"].startswith("chat-retrain")]


def test_a_switch_is_set_and_put_back(here: Cluster, acts: Any) -> None:
    maps = "/api/v1/namespaces/default/configmaps"
    here.apply(maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chat-flags"}})
    _before, between = once_and_back(here, acts, f"{maps}/chat-flags", "model.fallback", model="chat", to="small")
    assert between["data"] == {"fallback": "small"}
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
    other = Act(action, "prod", act.target, act.set, {**act.expect, "uid": "00000000-0000-0000-0000-000000000000"})
    with pytest.raises(ActRefused):
        acts.act(other, "key")
    assert pod["uid"] in {each["metadata"]["uid"] for each in pods(here, name)}
    acts.act(act, "key")
    assert acts.did(act, "key") is True  # it is ending, or gone
    here.wait(lambda: pod["name"] not in here.kubectl("get", "pods"), what="the pod's end")
    assert acts.did(act, "key") is True
    with pytest.raises(ActRefused, match="not there any more"):
        acts.act(act, "key-2")


def test_a_pod_that_is_stuck_goes_by_force_alone(here: Cluster, acts: Any) -> None:
    path = "/api/v1/namespaces/default/pods"
    spec = {**POD, "nodeName": "silent-1"}
    here.apply(path, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stuck"}, "spec": spec})
    here.ask("DELETE", f"{path}/stuck")
    softly = acts.draft("kubernetes.delete_pod", options("kubernetes.delete_pod", pod="stuck", namespace="default"))
    assert softly.warnings[0] == "nothing makes it anew" and "only force: true" in softly.warnings[1]
    acts.act(act_of("kubernetes.delete_pod", softly), "key-1")
    assert acts.did(act_of("kubernetes.delete_pod", softly), "key-1") is False
    hard = acts.draft("kubernetes.delete_pod", options("kubernetes.delete_pod", pod="stuck", force=True))
    acts.act(act_of("kubernetes.delete_pod", hard), "key-2")
    assert acts.did(act_of("kubernetes.delete_pod", hard), "key-2") is True
    with pytest.raises(UsageError, match="no pods called 'stuck'"):
        acts.draft("kubernetes.delete_pod", options("kubernetes.delete_pod", pod="stuck"))


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
    draft = acts.draft("kubernetes.evict", options("kubernetes.evict", pod=pod))
    assert "refused right now: " in draft.warnings[0] and "429" in draft.warnings[0]
    act = act_of("kubernetes.evict", draft)
    with pytest.raises(ActRefused, match="429"):
        acts.act(act, "key")
    assert acts.did(act, "key") is False
    here.ask("DELETE", f"{path}/b")


def test_a_node_that_a_budget_keeps_from_being_emptied_is_marked_as_before(here: Cluster, acts: Any) -> None:
    for name in ("kept", "let-go"):
        here.apply(DEPLOYMENTS, deployment(name, "good:1", replicas=1))
        there = {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "gpu-2"}}}}}
        here.patch(f"{DEPLOYMENTS}/{name}", there)
        settle(here, name)
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}
    path = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets"
    meta = {"name": "keeps-one"}
    here.apply(path, {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": budget})
    here.wait(
        lambda: here.ask("GET", f"{path}/keeps-one").get("status", {}).get("currentHealthy") == 1, what="the budget"
    )
    before = {name: [pod["metadata"]["uid"] for pod in pods(here, name)] for name in ("kept", "let-go")}
    draft = acts.draft("kubernetes.drain", options("kubernetes.drain", node="gpu-2"))
    act = act_of("kubernetes.drain", draft)
    told = (
        r"\d+ of \d+ pods were evicted, default/kept-\S+ stay: .* 429.* budget keeps-one .*; "
        r"node gpu-2 is marked as before"
    )
    with pytest.raises(ActRefused, match=told):
        acts.act(act, "key")
    assert not here.ask("GET", "/api/v1/nodes/gpu-2")["spec"].get("unschedulable")
    assert acts.did(act, "key") is False
    settle(here, "let-go")
    after = {name: [pod["metadata"]["uid"] for pod in pods(here, name)] for name in ("kept", "let-go")}
    assert after["kept"] == before["kept"] and after["let-go"] != before["let-go"]
    here.ask("DELETE", f"{path}/keeps-one")


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


def _container(**told: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "server", **told}]}}}}


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
