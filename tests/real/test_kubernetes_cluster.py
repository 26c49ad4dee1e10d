"""The kubernetes source on a real control plane: what people do with kubectl, and what andon says of it."""

from __future__ import annotations

import json
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kubeserver import Cluster, Kubelet, cluster_with_node, deployment, why_not
from ruamel.yaml import YAML

from console.config import SourceConfig
from console.errors import SourceDenied, SourceError
from console.library import add_plugin_folder, library_dir
from console.model import Event, Labels, Reading, Span
from console.plugins import load_plugins
from console.sources.opening import open_source
from console.sources.types import LogRequest

add_plugin_folder(library_dir("plugins"))
from andon_plugins import _kubernetes_door as doors  # noqa: E402
from andon_plugins._kubernetes_source import open_kubernetes  # noqa: E402

pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(why_not()), reason=why_not())]

ALWAYS = Span(0, 4e9)
PATIENCE = 60.0
APPS = "/apis/apps/v1/namespaces/{}/{}"
Here = tuple[Cluster, Kubelet]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with cluster_with_node(tmp_path_factory.mktemp("kube")) as both:
        yield both


@pytest.fixture
def space(here: Here, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own; what runs there ends with it."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    here[0].apply("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    for kind in ("deployments", "statefulsets", "daemonsets"):
        here[0].ask("DELETE", APPS.format(name, kind))
    here[0].wait(lambda: not here[0].ask("GET", f"/api/v1/namespaces/{name}/pods")["items"], what="the end of the pods")


@pytest.fixture
def source(here: Here) -> Iterator[Any]:
    with closing(opened(here)) as one:
        yield one


def opened(here: Here, user: str = "admin", **options: Any) -> Any:
    return open_kubernetes("k8s", **{"kubeconfig": str(here[0].kubeconfig(user)), **options})


def value(readings: Sequence[Reading], signal: str, **labels: str) -> float | None:
    """The sum of the samples of a signal with these labels; None where there is none."""
    wanted = set(labels.items())
    found = [one.value for one in readings if one.series.signal == signal and wanted <= set(one.series.labels)]
    return sum(found) if found else None


def until(source: Any, signal: str, holds: Callable[[float], bool], **labels: str) -> Sequence[Reading]:
    """The samples once a signal is as it should be."""
    deadline = time.monotonic() + PATIENCE
    while True:
        readings: Sequence[Reading] = source.collect(time.time())
        if (found := value(readings, signal, **labels)) is not None and holds(found):
            return readings
        assert time.monotonic() < deadline, f"{signal} stays {found}"
        time.sleep(0.2)


def event(source: Any, kind: str, about: str, words: str = "") -> Event:
    """An event once it is told."""
    deadline = time.monotonic() + PATIENCE
    while True:
        told: Sequence[Event] = source.events(ALWAYS, (kind,))
        for one in reversed(told):
            if one.target == about and words in one.title:
                return one
        assert time.monotonic() < deadline, f"no {kind} of {about} with {words!r} among {told}"
        time.sleep(0.2)


def test_a_healthy_workload_its_node_and_its_gpus(here: Here, space: str, source: Any) -> None:
    labels = {"andon/model": "glove"}
    here[0].apply(
        APPS.format(space, "deployments"), deployment("web", "good:1", gpus=3, labels=labels, namespace=space)
    )
    readings = until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space, workload="web")
    mine = {"namespace": space, "workload": "web", "kind": "Deployment", "model": "glove"}
    none = ("replicas.unavailable", "pods.pending", "pods.waiting", "pods.unready", "restarts", "oom.kills")
    for signal, expected in {"replicas.desired": 2, "replicas.updated": 2, **dict.fromkeys(none, 0)}.items():
        assert value(readings, f"workload.{signal}", **mine) == expected, signal
    assert value(readings, "host.ready", host="gpu-1") == 1
    assert value(readings, "host.gpus.allocatable", host="gpu-1", resource="nvidia.com/gpu") == 8
    assert value(readings, "host.gpus.requested", host="gpu-1", resource="nvidia.com/gpu") == 6


def test_a_rollout_gone_bad_and_its_undoing(here: Here, space: str, source: Any) -> None:
    cluster = here[0]
    cluster.apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space)
    cluster.kubectl("-n", space, "set", "image", "deployment/web", "server=missing:2")
    readings = until(
        source, "workload.pods.waiting", lambda waiting: waiting == 1, namespace=space, reason="ImagePullBackOff"
    )
    assert value(readings, "workload.replicas.unavailable", namespace=space) == 1
    assert value(readings, "workload.pods.unready", namespace=space, revision="newest") == 1
    assert value(readings, "workload.pods.unready", namespace=space, revision="older") == 0
    deploy = event(source, "deploy", "web", "missing:2")
    assert deploy.title == "revision 2: image good:1 → missing:2"
    assert abs(deploy.time - time.time()) < 60
    assert "missing:2" in event(source, "warning", "web", "Failed").title
    cluster.kubectl("-n", space, "rollout", "undo", "deployment/web")
    until(source, "workload.replicas.unavailable", lambda missing: missing == 0, namespace=space)
    rollback = event(source, "rollback", "web")
    assert rollback.title == "revision 3 (back to what was revision 1): image missing:2 → good:1"
    assert deploy.time <= rollback.time <= time.time() + 1
    with closing(opened(here)) as cold:  # one that did not look on dates it by what the workload says
        assert deploy.time <= event(cold, "rollback", "web").time <= time.time() + 1


def test_what_a_template_changed_is_told_without_its_secrets(here: Here, space: str, source: Any) -> None:
    cluster = here[0]
    cluster.apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    container = {"name": "server", "args": ["--port", "9000"], "env": [{"name": "HF_TOKEN", "value": "hf_geheim"}],
                 "resources": {"limits": {"memory": "2Gi"}}}  # fmt: skip
    cluster.patch(f"{APPS.format(space, 'deployments')}/web", {
        "metadata": {"annotations": {"kubernetes.io/change-cause": "faster answers"}},
        "spec": {"template": {"spec": {"containers": [container]}}},
    })  # fmt: skip
    told = event(source, "deploy", "web", "revision 2")
    said = f"{told.title} {told.detail}"
    assert "args: 8000 → 9000" in said and "env HF_TOKEN added" in said and "limits memory added (2Gi)" in said
    assert "change-cause: faster answers" in told.detail
    assert "geheim" not in said


def test_a_crash_loop_and_a_kill_for_memory(here: Here, space: str, source: Any) -> None:
    source.collect(time.time())  # counters count from here on
    here[0].apply(APPS.format(space, "deployments"), deployment("loop", "crashing:1", replicas=1, namespace=space),
                  deployment("eater", "oom:1", replicas=1, namespace=space))  # fmt: skip
    until(source, "workload.restarts", lambda restarts: restarts == 3, namespace=space, workload="loop")
    readings = until(source, "workload.oom.kills", lambda kills: kills == 3, namespace=space, workload="eater")
    assert value(readings, "workload.pods.waiting", namespace=space, workload="loop", reason="CrashLoopBackOff") == 1
    assert value(readings, "workload.oom.kills", namespace=space, workload="loop") == 0
    assert "died (Error)" in event(source, "restart", "loop").title
    assert "killed for its memory" in event(source, "oom", "eater").title


def test_what_finds_no_room_is_pending_and_the_scheduler_says_why(here: Here, space: str, source: Any) -> None:
    here[0].apply(APPS.format(space, "deployments"), deployment("big", "good:1", gpus=6, namespace=space))
    until(source, "workload.pods.pending", lambda pending: pending == 1, namespace=space, workload="big")
    assert "Insufficient nvidia.com/gpu" in event(source, "unschedulable", "big").title


def test_stateful_and_daemon_sets_roll_out_too(here: Here, space: str, source: Any) -> None:
    one = deployment("one", "good:1", namespace=space)
    template, selector = one["spec"]["template"], one["spec"]["selector"]
    here[0].apply(APPS.format(space, "statefulsets"), {
        "metadata": {"name": "shards"},
        "spec": {"replicas": 2, "serviceName": "shards", "selector": selector, "template": template},
    })  # fmt: skip
    here[0].apply(APPS.format(space, "daemonsets"),
                  {"metadata": {"name": "agent"}, "spec": {"selector": selector, "template": template}})  # fmt: skip
    until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space, workload="shards")
    until(source, "workload.replicas.ready", lambda ready: ready == 1, namespace=space, workload="agent")
    for kind in ("statefulset/shards", "daemonset/agent"):
        here[0].kubectl("-n", space, "set", "image", kind, "server=missing:2")
    for name in ("shards", "agent"):
        assert event(source, "deploy", name, "missing:2").title.endswith("image good:1 → missing:2")
        readings = until(source, "workload.pods.waiting", lambda waiting: waiting == 1, namespace=space, workload=name)
        assert value(readings, "workload.pods.unready", namespace=space, workload=name, revision="newest") == 1


def test_an_autoscaler_of_the_version_that_this_server_has(here: Here, space: str, source: Any) -> None:
    here[0].apply(APPS.format(space, "deployments"), deployment("web", "good:1", replicas=1, namespace=space))
    here[0].apply(f"/apis/autoscaling/v1/namespaces/{space}/horizontalpodautoscalers", {
        "metadata": {"name": "scaler"},
        "spec": {"minReplicas": 3, "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web",
                                                                       "apiVersion": "apps/v1"}},
    })  # fmt: skip
    until(source, "workload.replicas.max", lambda most: most == 5, namespace=space, workload="web")
    assert "New size: 3" in event(source, "scale", "web").title
    [mirror] = source._mirrors["autoscaling", "horizontalpodautoscalers", ""]
    assert mirror.resource.version == "v1"


def test_a_changed_configmap_is_told_of_the_workloads_that_read_it(here: Here, space: str, source: Any) -> None:
    maps = f"/api/v1/namespaces/{space}/configmaps"
    here[0].apply(maps, {"metadata": {"name": "settings"}, "data": {"k": "1"}}, {"metadata": {"name": "unread"}})
    one = deployment("web", "good:1", replicas=1, namespace=space)
    one["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    here[0].apply(APPS.format(space, "deployments"), one)
    told = event(source, "config", "web")
    assert told.title.startswith("ConfigMap settings changed by ")
    assert not [each for each in source.events(ALWAYS, ("config",)) if "unread" in each.title]


def test_a_node_that_is_not_ready(here: Here, source: Any) -> None:
    _cluster, kubelet = here
    kubelet.add_node("gpu-2", gpus=4)
    until(source, "host.ready", lambda ready: ready == 1, host="gpu-2")
    kubelet.set_ready("gpu-2", is_ready=False)
    until(source, "host.ready", lambda ready: ready == 0, host="gpu-2")
    assert "container runtime is down" in event(source, "node", "gpu-2", "Ready is False").title
    here[0].ask("DELETE", "/api/v1/nodes/gpu-2")


def test_logs_of_the_worst_pods_first_and_of_what_crashed_before(here: Here, space: str, source: Any) -> None:
    cluster, kubelet = here
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() - 5))
    kubelet.lines["loop"] = [f"{stamp} ERROR no such file: weights.bin", f"{stamp} bye", "not a line of a log"]
    cluster.apply(APPS.format(space, "deployments"), deployment("loop", "crashing:1", replicas=1, namespace=space))
    until(source, "workload.pods.waiting", lambda waiting: waiting == 1, namespace=space, workload="loop")
    span = Span(time.time() - 60, time.time() + 60)
    where = Labels.of(namespace=space, workload="loop")
    lines = source.logs(LogRequest(span, where))
    assert {(line.service, line.severity, line.body) for line in lines} >= {
        ("loop", "error", "ERROR no such file: weights.bin"), ("loop", "", "bye")
    }  # fmt: skip
    asked = [path for path in kubelet.asked if "/loop" in path]
    assert any("previous=true" in path for path in asked)
    assert all("limitBytes=" in path and "sinceTime=" in path and "timestamps=true" in path for path in asked)
    assert {line.body for line in source.logs(LogRequest(span, where, words="weights"))} == {
        "ERROR no such file: weights.bin"
    }
    assert source.logs(LogRequest(span, Labels.of(workload="nobody's"))) == []


def bind(cluster: Cluster, role: str, user: str, rules: Sequence[dict[str, Any]]) -> None:
    root = "/apis/rbac.authorization.k8s.io/v1"
    cluster.apply(f"{root}/clusterroles", {"metadata": {"name": role}, "rules": list(rules)})
    cluster.apply(f"{root}/clusterrolebindings", {
        "metadata": {"name": role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": role, "apiGroup": "rbac.authorization.k8s.io"},
    })  # fmt: skip


def unbind(cluster: Cluster, role: str) -> None:
    for kind in ("clusterrolebindings", "clusterroles"):
        cluster.ask("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{kind}/{role}")


READ = ["get", "list", "watch"]


def test_a_missing_permission_is_named_and_the_rest_goes_on(here: Here, space: str) -> None:
    cluster = here[0]
    cluster.apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    bind(cluster, "some", "viewer", [
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": READ},
        {"apiGroups": [""], "resources": ["nodes", "events"], "verbs": READ},
    ])  # fmt: skip
    with closing(opened(here, "viewer")) as source:
        readings = until(source, "workload.replicas.desired", lambda desired: desired == 2, namespace=space)
        assert value(readings, "host.ready", host="gpu-1") == 1
        assert "good:1" in event(source, "deploy", "web").title
        status = source.check()
        assert status.state == "ok"
        assert "may not list pods in all namespaces: add get, list, watch on pods" in status.reason
        assert "may not list configmaps in all namespaces: add get, list, watch on configmaps" in status.reason
        assert "deployments" not in status.reason
        with pytest.raises(SourceDenied, match="may not list pods"):
            source.logs(LogRequest(ALWAYS))
    unbind(cluster, "some")


def test_nobody_s_permission_is_an_error_and_no_empty_cluster(here: Here) -> None:
    with closing(opened(here, "viewer")) as source:
        with pytest.raises(SourceDenied, match="may not list"):
            source.collect(time.time())
        with pytest.raises(SourceDenied, match="may not list"):
            source.events(ALWAYS, ())
    one = "in namespace default: add get, list, watch on"
    with closing(opened(here, "viewer", namespaces=["default"])) as source, pytest.raises(SourceDenied, match=one):
        source.collect(time.time())


def test_the_role_in_the_docs_is_all_that_it_takes(here: Here, space: str) -> None:
    cluster, kubelet = here
    text = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text()
    role, *_rest = YAML(typ="safe", pure=True).load_all(text.split("```yaml")[1].split("```")[0])
    bind(cluster, "docs", "viewer", role["rules"])
    cluster.apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    kubelet.lines["web"] = [f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} hello"]
    with closing(opened(here, "viewer")) as source:
        until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space)
        assert "may not" not in source.check().reason
        assert event(source, "deploy", "web").title == "revision 1: image good:1"
        assert source.logs(LogRequest(ALWAYS, Labels.of(namespace=space, workload="web")))
    unbind(cluster, "docs")


def test_a_namespace_is_all_that_is_asked_where_one_is_named(here: Here, space: str) -> None:
    here[0].apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    here[0].apply(APPS.format("default", "deployments"), deployment("other", "good:1"))
    with closing(opened(here, namespaces=[space])) as source:
        readings = until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space)
        assert value(readings, "workload.replicas.desired", workload="other") is None
    here[0].ask("DELETE", f"{APPS.format('default', 'deployments')}/other")


CUSTOM = (
    ("argoproj.io", "Rollout", "rollouts", {"replicas": 4},
     {"readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": 1, "currentPodHash": "abc"}, (4, 3, 1)),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets", {"replicas": 2},
     {"readyReplicas": 1, "updatedReplicas": 2}, (2, 1, 1)),
    ("ray.io", "RayCluster", "rayclusters", {},
     {"desiredWorkerReplicas": 5, "readyWorkerReplicas": 2}, (5, 2, 3)),
    ("ray.io", "RayService", "rayservices", {},
     {"conditions": [{"type": "Ready", "status": "True"}]}, (1, 1, 0)),
    ("serving.kserve.io", "InferenceService", "inferenceservices", {},
     {"conditions": [{"type": "Ready", "status": "False", "reason": "Predictor", "message": "is not ready"}]},
     (1, 0, 1)),
)  # fmt: skip


def test_what_others_define_is_found_where_it_is_defined(here: Here, space: str) -> None:
    cluster = here[0]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for group, kind, plural, spec, status, _numbers in CUSTOM:
        cluster.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v9", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": anything}}]},
        })  # fmt: skip
        path = f"/apis/{group}/v9/namespaces/{space}/{plural}"
        one = {"apiVersion": f"{group}/v9", "kind": kind, "metadata": {"name": "llama"}, "spec": spec, "status": status}
        cluster.wait(lambda path=path, one=one: cluster.ask("POST", path, one), what=f"a {kind}")
    with closing(opened(here)) as source:
        for _group, kind, _plural, _spec, _status, numbers in CUSTOM:
            asked = numbers[0]
            readings = until(source, "workload.replicas.desired", lambda desired, asked=asked: desired == asked,
                             namespace=space, kind=kind)  # fmt: skip
            told = [value(readings, f"workload.replicas.{name}", namespace=space, kind=kind, workload="llama")
                    for name in ("ready", "unavailable")]  # fmt: skip
            assert told == [*numbers[1:]], kind
        assert value(readings, "workload.replicas.ready", kind="InferenceService", model="llama") == 0
        assert event(source, "stalled", "llama").title == "Predictor: is not ready"
    for group, _kind, plural, *_rest in CUSTOM:
        cluster.ask("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}")


def test_an_api_server_that_was_away_is_followed_again(here: Here, space: str, source: Any) -> None:
    cluster = here[0]
    cluster.apply(APPS.format(space, "deployments"), deployment("web", "good:1", namespace=space))
    until(source, "workload.replicas.ready", lambda ready: ready == 2, namespace=space)
    cluster.stop("kube-apiserver")
    assert source.collect(time.time())  # what was known a moment ago
    cluster.start("kube-apiserver")
    cluster.wait(cluster.is_ready, 90, "the API server")
    cluster.patch(f"{APPS.format(space, 'deployments')}/web", {"spec": {"replicas": 3}})
    until(source, "workload.replicas.ready", lambda ready: ready == 3, namespace=space)


def test_what_is_too_old_to_be_resumed_is_listed_anew(here: Here, space: str, source: Any) -> None:
    cluster = here[0]
    source.collect(time.time())
    [mirror] = source._mirrors["apps", "deployments", ""]
    again = type(mirror)(source._door, mirror.resource, None, mirror._keep)
    again._version = "1"  # the server has forgotten that long ago
    again.start()
    assert again.listed.wait(60)
    assert again.lists == 1
    cluster.apply(APPS.format(space, "deployments"), deployment("late", "good:1", namespace=space))
    cluster.wait(lambda: f"{space}/late" in again.items, what="a change after the new list")
    again.stop()


def test_a_token_that_a_program_gives_is_renewed(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = here[0]
    token, program = tmp_path / "token", tmp_path / "login"
    token.write_text("expired")
    shape = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    program.write_text(f"#!{sys.executable}\nimport json\nprint(json.dumps({shape!r} | "
                       f"{{'status': {{'token': open({str(token)!r}).read()}}}}))\n")  # fmt: skip
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    config = json.loads(cluster.kubeconfig("viewer").read_text())
    config["users"][0]["user"] = {"exec": {"apiVersion": shape["apiVersion"], "command": str(program),
                                           "interactiveMode": "Never"}}  # fmt: skip
    path = tmp_path / "exec.kubeconfig"
    path.write_text(json.dumps(config))
    with closing(open_kubernetes("k8s", kubeconfig=str(path))) as source:
        with pytest.raises(SourceDenied, match="401"):
            source.collect(time.time())
        token.write_text("admin-token")
        monkeypatch.setattr(doors, "RELOAD_SECONDS", 0.0)
        assert value(source.collect(time.time()), "host.ready", host="gpu-1") == 1


def test_a_server_that_cannot_be_trusted_is_not_spoken_to(here: Here, tmp_path: Path) -> None:
    config = json.loads(here[0].kubeconfig().read_text())
    del config["clusters"][0]["cluster"]["certificate-authority"]
    path = tmp_path / "blind.kubeconfig"
    path.write_text(json.dumps(config))
    with closing(open_kubernetes("k8s", kubeconfig=str(path))) as source, pytest.raises(SourceError, match="trusted"):
        source.collect(time.time())


async def test_it_lives_in_a_child_of_its_own(here: Here) -> None:
    config = SourceConfig("k8s", "kubernetes", {"kubeconfig": str(here[0].kubeconfig())})
    source = await open_source(config, load_plugins())
    try:
        status = await source.check()
        assert status.state == "ok" and status.reason.startswith("Kubernetes v1.20.2, 1 node")
        assert value(await source.collect(time.time()), "host.ready", host="gpu-1") == 1
        assert await source.events(ALWAYS, ("node",))
        assert await source.logs(LogRequest(Span(0, 1))) == ()
    finally:
        await source.close()
