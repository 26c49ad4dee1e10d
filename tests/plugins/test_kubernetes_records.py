"""What is held of objects, and what is told of it: pods between two crashes, templates with secrets, odd shapes."""

from __future__ import annotations

from typing import Any

import pytest
from kubestand import pod as a_pod

from console.library import add_plugin_folder, library_dir
from console.model import Span

add_plugin_folder(library_dir("plugins"))
from andon_plugins import _kubernetes_events as events  # noqa: E402
from andon_plugins import _kubernetes_pods as pods  # noqa: E402
from andon_plugins import _kubernetes_records as records  # noqa: E402
from andon_plugins import _kubernetes_signals as signals  # noqa: E402
from andon_plugins import _kubernetes_things as things  # noqa: E402
from andon_plugins._kubernetes_templates import changes, facts  # noqa: E402
from andon_plugins._kubernetes_workloads import SHAPES, workload  # noqa: E402

NOW = records.epoch("2026-11-22T12:00:00Z")
ALWAYS = Span(0, 4e9)


def held(*containers: dict[str, Any], **more: Any) -> records.Pod:
    one = a_pod("web-5c9745674b-abcde", **more)
    if containers:
        one["status"]["containerStatuses"] = list(containers)
    return pods.pod(one, (), NOW)


def test_things_are_told_with_their_facts_the_troubled_ones_first() -> None:
    owner = records.Owner("prod", "Deployment", "web")
    web = records.Workload(owner, "chat", 3.0, 2.0, 3.0, 1.0, "5c97", 0.0, 0.0, "", ("settings",))
    node = records.Node("gpu-1", True, True, (("nvidia.com/gpu", 8.0),), (("Ready", "True", 0.0, ""),
                        ("MemoryPressure", "True", 0.0, "low on memory")))  # fmt: skip
    scaler = records.Scaler("web", owner, 12.0, 3.0, 5.0)
    every = things.things([held(), held(waiting="ImagePullBackOff")], [web], [node], [scaler])
    told = [(each.kind, each.name, dict(each.facts)) for each in things.wanted(every, "", "")]
    assert [each[0] for each in told] == ["node", "pod", "autoscaler", "deployment", "pod"]
    assert told[0][2]["trouble"] == "MemoryPressure: low on memory" and told[0][2]["cordoned"] == "yes"
    assert "ImagePullBackOff" in told[1][2]["trouble"] and told[1][2]["node"] == "gpu-1"
    assert told[3][2] == {"desired": "3", "ready": "2", "updated": "3", "unavailable": "1", "model": "chat",
                          "configs": "settings"}  # fmt: skip
    assert [each.kind for each in things.wanted(every, "Pods", "abc")] == ["pod", "pod"]
    assert things.wanted(every, "node", "other") == []


def test_a_pod_belongs_to_what_a_person_deployed() -> None:
    def owner(kind: str, name: str, **labels: str) -> tuple[str, str]:
        marks = {key.replace("_", "-"): value for key, value in labels.items()}
        meta = {"name": "p", "namespace": "n", "labels": marks,
                "ownerReferences": [{"kind": kind, "name": name, "controller": True}]}  # fmt: skip
        return pods.owner_of(meta)[1:]

    assert owner("ReplicaSet", "web-5c97", pod_template_hash="5c97") == ("Deployment", "web")
    assert owner("ReplicaSet", "web-5c97", rollouts_pod_template_hash="5c97") == ("Rollout", "web")
    assert owner("ReplicaSet", "by-hand") == ("ReplicaSet", "by-hand")
    assert owner("Job", "nightly-28391040") == ("CronJob", "nightly")
    assert owner("Job", "train-2") == ("Job", "train-2")
    assert owner("StatefulSet", "shards") == ("StatefulSet", "shards")
    assert pods.owner_of({"name": "alone", "namespace": "n"}) == ("n", "Pod", "alone")


@pytest.mark.parametrize(
    ("container", "reasons"),
    [
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, ()),
        ({"state": {"waiting": {"reason": "ErrImagePull"}}}, ("ImagePullBackOff",)),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}}, ("CreateContainerConfigError",)),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3}, ("CrashLoopBackOff",)),
        # Between two crashes: it has just died, or runs again for a moment.
        ({"state": {"terminated": {"exitCode": 1}}, "restartCount": 3}, ("CrashLoopBackOff",)),
        ({"state": {"running": {}}, "ready": False, "restartCount": 3,
          "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T11:55:00Z"}}}, ("CrashLoopBackOff",)),
        # It died an hour ago and starts slowly now, or it is ready.
        ({"state": {"running": {}}, "ready": False, "restartCount": 3,
          "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T11:00:00Z"}}}, ()),
        ({"state": {"running": {}}, "ready": True, "restartCount": 3,
          "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T11:59:00Z"}}}, ()),
        ({"state": {"terminated": {"exitCode": 0}}, "restartCount": 0}, ()),
        ({}, ()),
    ],
)  # fmt: skip
def test_reasons_that_take_turns_are_one(container: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert held({"name": "c", "ready": False, **container}).waiting == reasons


def test_gpus_are_those_of_all_containers_or_of_one_that_runs_before_them() -> None:
    one = a_pod("p")
    one["spec"]["containers"] = [
        {"name": "a", "resources": {"limits": {"nvidia.com/gpu": "2", "cpu": "4"}}},
        {"name": "b", "resources": {"limits": {"nvidia.com/gpu": 1, "nvidia.com/mig-1g.5gb": "1", "amd.com/gpu": "1"}}},
    ]
    one["spec"]["initContainers"] = [{"name": "i", "resources": {"limits": {"gpu.intel.com/i915": "1"}}}]
    assert dict(pods.pod(one, (), NOW).gpus) == {
        "nvidia.com/gpu": 3.0, "nvidia.com/mig-1g.5gb": 1.0, "amd.com/gpu": 1.0, "gpu.intel.com/i915": 1.0,
    }  # fmt: skip


def test_a_model_is_what_its_label_says_and_an_app_only_with_gpus() -> None:
    assert pods.model_of({"app": "web"}, (), has_gpu=False) == ""
    assert pods.model_of({"app": "web"}, (), has_gpu=True) == "web"
    assert pods.model_of({"app": "web", "andon/model": "glove"}, (), has_gpu=True) == "glove"
    assert pods.model_of({"app": "web", "andon/model": "glove"}, ("team", "app"), has_gpu=False) == "web"


def test_a_template_tells_what_changed_and_no_value_of_a_variable() -> None:
    def template(image: str, **container: Any) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "c", "image": image, **container}]}}

    before = facts(template("web:1", env=[{"name": "TOKEN", "value": "geheim"}], args=["--max-len", "8192"]))
    after = facts(template(
        "web:2", env=[{"name": "TOKEN", "value": "anders"}, {"name": "FAST", "value": "1"}], args=["--max-len", "4096"],
        resources={"limits": {"nvidia.com/gpu": "2"}},
    ))  # fmt: skip
    assert changes(before, after) == [
        "image web:1 → web:2", "args: 8192 → 4096", "env FAST added", "env TOKEN changed",
        "limits nvidia.com/gpu added (2)",
    ]  # fmt: skip
    assert "geheim" not in str(before) and "anders" not in str(after)
    assert changes(after, before)[-1] == "limits nvidia.com/gpu taken away"
    assert changes(None, after) == ["image web:2"]
    assert changes(after, after) == ["nothing in its template"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (["--api-key", "geheim"], ["--api-key", "anders"], "args: a secret changed"),
        (["--token=geheim"], ["--token=anders"], "args: a secret changed"),
        (["serve"], ["serve", "--fast"], "args: nothing → --fast"),
    ],
)
def test_arguments_that_hold_secrets_are_not_shown(before: list[str], after: list[str], said: str) -> None:
    def of(args: list[str]) -> dict[str, str]:
        return facts({"spec": {"containers": [{"name": "c", "args": args}]}})

    assert changes(of(before), of(after)) == [said]


def test_a_restart_by_hand_is_called_so() -> None:
    def of(moment: str) -> dict[str, str]:
        return facts({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": moment}}, "spec": {}})

    assert changes(of("1"), of("2")) == ["restarted by hand"]


def test_warnings_are_folded_by_workload_and_reason() -> None:
    def said(name: str, reason: str, first: float, last: float, count: int) -> records.Said:
        return records.Said(("n", "Pod", name), reason, f"{reason} of {name}", first, last, count)

    def owner(about: tuple[str, str, str]) -> records.Owner:
        return records.Owner(about[0], "Deployment", about[2].split("-")[0])

    told = events.of_what_was_said("k8s", ALWAYS, [
        said("web-1", "BackOff", NOW, NOW + 60, 5), said("web-2", "BackOff", NOW + 10, NOW + 70, 7),
        said("web-1", "Unhealthy", NOW, NOW, 1), said("api-1", "BackOff", NOW - 9000, NOW + 600, 900),
    ], owner)  # fmt: skip
    assert {(one.kind, one.target, one.time, one.detail.rpartition(", ")[2]) for one in told} == {
        ("restart", "web", NOW, "said 12 times"),
        ("warning", "web", NOW, "said once"),
        ("restart", "api", NOW, "said 900 times"),  # one that goes on is told once an hour
    }
    again = events.of_what_was_said("k8s", ALWAYS, [said("api-1", "BackOff", NOW - 9000, NOW + 660, 905)], owner)
    assert (again[0].time, again[0].id) == next((one.time, one.id) for one in told if one.target == "api")


def test_an_event_of_either_api_says_when_it_was() -> None:
    about = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R"}
    series = {"eventTime": "2026-11-22T12:00:00.123456Z", "firstTimestamp": None,
              "series": {"count": 4, "lastObservedTime": "2026-11-22T12:05:00Z"}}  # fmt: skip
    one = records.said({**about, **series})
    assert (one.first, one.last, one.times) == (NOW + 0.123456, NOW + 300, 4)


def test_a_pod_that_begins_again_under_its_name_lowers_no_counter() -> None:
    losses = signals.Losses()
    owner = held(restarts=5).owner
    losses.note(held(restarts=5), held(restarts=0))
    losses.note(held(restarts=0), held(restarts=1))
    losses.note(held(restarts=1), None)
    assert losses.restarts == {owner: 1} and not losses.kills


def test_too_many_workloads_are_cut_to_those_in_trouble_and_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MOST_WORKLOADS", 2)
    tallies = {records.Owner("n", "Deployment", name): signals.Tally(pods=count)
               for name, count in (("small", 1), ("large", 9), ("broken", 1))}  # fmt: skip
    tallies[records.Owner("n", "Deployment", "broken")].waiting["CrashLoopBackOff"] = 1
    readings = signals.of_workloads(NOW, [], tallies, {}, [], signals.Losses())
    assert {one.series.labels.value("workload") for one in readings} == {"broken", "large"}


def test_numbers_that_a_workload_does_not_give_are_none() -> None:
    shapes = {shape.kind: shape for shape in SHAPES}
    meta = {"metadata": {"name": "x", "namespace": "n"}}
    assert workload({**meta, "spec": {"replicas": 3}}, shapes["Deployment"], ()).desired == 3
    assert workload({**meta, "spec": {"replicas": 3}}, shapes["StatefulSet"], ()).unavailable == 3
    assert workload(meta, shapes["Deployment"], ()).desired == 1  # what the server takes it for
    assert workload(meta, shapes["InferenceService"], ()).desired is None  # nothing was said yet: no verdict
    assert workload(meta, shapes["RayCluster"], ()).desired is None
