"""Changing a cluster against a server that does as told: what was refused is told from what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubeheld import Held, held, patched
from pages import plugin

from console.config import ActuatorConfig
from console.errors import ActRefused, SourceDenied, SourceError, UsageError
from console.library import add_plugin_folder, library_dir
from console.model import Act, Draft
from console.plugins import load_plugins
from console.remedy.actuator import opened

add_plugin_folder(library_dir("plugins"))
from andon_plugins import _kubernetes_acts as acting  # noqa: E402
from andon_plugins import _kubernetes_endings as endings  # noqa: E402
from andon_plugins._kubernetes_objects import at, differences, setting  # noqa: E402

MODULE = plugin("kubernetes_actions")
ACTIONS = load_plugins().by_name("andon_actions")
RANKER = "/apis/apps/v1/namespaces/ml/deployments/ranker"
SCALER = "/apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/ranker"
POD = "/api/v1/namespaces/ml/pods/ranker-1"
ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/ml/httproutes/ranker"
ROLLOUT = "/apis/argoproj.io/v1alpha1/namespaces/ml/rollouts/canaried"
FLAGS = "/api/v1/namespaces/ml/configmaps/ranker-flags"
RETRAIN = "/apis/batch/v1/namespaces/ml/cronjobs/ranker-retrain"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server() -> Iterator[Held]:
    with held() as here:
        container = {"name": "server", "image": "ranker:1", "env": [{"name": "MODE", "value": "fast"}]}
        spec = {"replicas": 2, "template": {"metadata": {"labels": {}}, "spec": {"containers": [container]}}}
        here.put(RANKER, spec=spec, status={"readyReplicas": 2})
        owners = [{"kind": "ReplicaSet", "name": "ranker"}]
        here.put(POD, metadata={"ownerReferences": owners}, spec={"nodeName": "gpu-1"}, status={"phase": "Running"})
        here.put("/api/v1/nodes/gpu-1", spec={})
        here.put(FLAGS)
        here.put(RETRAIN, spec={"jobTemplate": {"spec": {"template": {}}}})
        here.put("/apis/batch/v1/namespaces/ml/cronjobs/ranker-feed", spec={})
        here.put(ROLLOUT, spec={"replicas": 1})
        backends = [{"name": "ranker-stable", "weight": 70}, {"name": "ranker-canary", "weight": 30}]
        here.put(ROUTE, spec={"rules": [{"backendRefs": [{"name": "other"}]}, {"backendRefs": backends}]})
        target = {"kind": "Deployment", "name": "ranker"}
        here.put(SCALER, spec={"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": target})
        yield here


@pytest.fixture
def acts(server: Held, tmp_path: Path) -> Iterator[Any]:
    found = acting.open_acts("prod", kubeconfig=server.kubeconfig(tmp_path), timeout=5.0)
    yield found
    found.close()


def drafted(acts: Any, action: str, **told: Any) -> tuple[Draft, Act]:
    """As the action's own model fills its options in."""
    draft: Draft = acts.draft(action, ACTIONS[action].options(**told).model_dump(mode="json"))
    return draft, Act(action, "prod", draft.target, draft.set, draft.expect)


EACH: dict[str, dict[str, Any]] = {
    "kubernetes.scale": {"workload": "ranker", "replicas": 3},
    "kubernetes.restart": {"workload": "ranker"},
    "kubernetes.set_image": {"workload": "ranker", "image": "ranker:2"},
    "kubernetes.set_env": {"workload": "ranker", "env": {"MODE": "slow", "NEW": "1"}},
    "kubernetes.set_args": {"workload": "ranker", "args": ["--slow"]},
    "kubernetes.patch_hpa": {"workload": "ranker", "most_by": 1},
    "kubernetes.shift_weight": {"workload": "ranker", "to": "stable"},
    "kubernetes.evict": {"pod": "ranker-1"},
    "kubernetes.delete_pod": {"pod": "ranker-1", "namespace": "ml"},
    "kubernetes.cordon": {"node": "gpu-1"},
    "kubernetes.taint": {"node": "gpu-1"},
    "kubernetes.drain": {"node": "gpu-1"},
    "model.fallback": {"model": "ranker", "to": "small"},
    "model.quarantine_feature": {"model": "ranker", "feature": "age"},
    "model.retrain": {"model": "ranker"},
    "pipeline.pause": {"model": "ranker"},
}
UNDO = {"kubernetes.undo"}  # needs revisions, which a controller makes: in tests/real


def test_every_action_that_the_kind_offers_is_one_and_is_tried_here() -> None:
    [offer] = MODULE.andon_actuators()
    assert set(offer.actions) == EACH.keys() | UNDO
    assert set(offer.actions) <= ACTIONS.keys()


@pytest.mark.parametrize("action", EACH)
@pytest.mark.parametrize("code", [400, 403, 409, 422, 429])
def test_what_was_refused_was_not_done(server: Held, acts: Any, action: str, code: int) -> None:
    draft, act = drafted(acts, action, **EACH[action])
    assert draft.changes
    server.faults = [("before", code)]
    with pytest.raises(ActRefused, match=str(code)):
        acts.act(act, KEY)
    assert server.writes == [] and acts.did(act, KEY) is False


@pytest.mark.parametrize("action", EACH)
@pytest.mark.parametrize("code", [0, 500, 503, 504])
@pytest.mark.parametrize("when", ["before", "after"])
def test_whether_what_broke_off_was_done_is_seen(server: Held, acts: Any, action: str, code: int, when: Any) -> None:
    _draft, act = drafted(acts, action, **EACH[action])
    server.faults = [(when, code)]
    with pytest.raises(SourceError):
        acts.act(act, KEY)
    seen = {"before": False, "after": True} if action != "kubernetes.drain" else {"before": False, "after": None}
    assert acts.did(act, KEY) is seen[when]


@pytest.mark.parametrize("action", EACH)
def test_what_is_gone_by_then_is_refused(server: Held, acts: Any, action: str) -> None:
    _draft, act = drafted(acts, action, **EACH[action])
    ref = act.set["ref"]
    server.objects = {path: each for path, each in server.objects.items() if each["metadata"]["name"] != ref["name"]}
    with pytest.raises(ActRefused, match="is not there any more"):
        acts.act(act, KEY)
    assert server.writes == []


@pytest.mark.parametrize("action", EACH)
def test_another_one_of_the_same_name_is_left_alone(server: Held, acts: Any, action: str) -> None:
    _draft, act = drafted(acts, action, **EACH[action])
    for each in server.objects.values():
        each["metadata"]["uid"] += "-anew"
    with pytest.raises(ActRefused):
        acts.act(act, KEY)
    assert server.writes == [] and acts.did(act, KEY) in (None, action in ("kubernetes.evict", "kubernetes.delete_pod"))


@pytest.mark.parametrize("action", [name for name in EACH if "pod" not in EACH[name] and name != "model.retrain"])
def test_what_somebody_changed_meanwhile_is_left_alone(server: Held, acts: Any, action: str) -> None:
    draft, act = drafted(acts, action, **EACH[action])
    path = next(
        each for each in server.objects if each.endswith(f"/{act.set['ref']['plural']}/{act.set['ref']['name']}")
    )
    for place in draft.expect["fields"]:
        before = server.objects[path]
        wanted = {"name": place.rpartition("=")[2], "value": "theirs"} if "/env/" in place else 55
        server.objects[path] = patched(before, setting(before, place, wanted))
        with pytest.raises(ActRefused, match="is not what it was"):
            acts.act(act, KEY)
        server.objects[path] = before
    assert server.writes == [] and acts.did(act, KEY) is False


async def test_it_works_from_the_child_that_it_is_opened_in(server: Held, tmp_path: Path) -> None:
    config = ActuatorConfig("prod", "kubernetes", {"kubeconfig": server.kubeconfig(tmp_path)})
    told = ACTIONS["kubernetes.set_env"].options(**EACH["kubernetes.set_env"]).model_dump(mode="json")
    async with opened(config, load_plugins()) as prod:
        draft = await prod.draft("kubernetes.set_env", told)
        act = Act("kubernetes.set_env", "prod", draft.target, draft.set, draft.expect)
        facts = await prod.act(act, KEY)
        assert await prod.did(act, KEY) is True
        assert draft.restore is not None
        await prod.act(Act(act.action, "prod", draft.target, draft.restore, facts), "key-2")
        with pytest.raises(ActRefused, match="is not what it was"):
            await prod.act(Act(act.action, "prod", draft.target, draft.restore, facts), "key-3")
    container = server.objects[RANKER]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "MODE", "value": "fast"}]


def test_what_its_controllers_report_in_between_holds_nothing_up(server: Held, acts: Any) -> None:
    _draft, act = drafted(acts, "kubernetes.scale", workload="ranker", replicas=3)
    server.meanwhile = lambda: server.put(RANKER, status={"readyReplicas": 1})
    acts.act(act, KEY)
    assert server.objects[RANKER]["spec"]["replicas"] == 3


def test_what_somebody_sets_between_the_look_and_the_write_is_kept(server: Held, acts: Any) -> None:
    _draft, act = drafted(acts, "model.fallback", model="ranker", to="small")
    server.meanwhile = lambda: server.put(FLAGS, data={"limit": "9"})
    acts.act(act, KEY)
    assert server.objects[FLAGS]["data"] == {"limit": "9", "fallback": "small"}
    _draft, act = drafted(acts, "model.quarantine_feature", model="ranker", feature="age")
    server.meanwhile = lambda: server.put(FLAGS, data={"without.age": "false"})
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, KEY)
    assert server.objects[FLAGS]["data"] == {"without.age": "false"}


def test_an_object_that_never_rests_is_refused_in_the_end(server: Held, acts: Any) -> None:
    _draft, act = drafted(acts, "kubernetes.scale", workload="ranker", replicas=3)

    def again() -> None:
        server.put(RANKER, status={})
        server.meanwhile = again

    server.meanwhile = again
    with pytest.raises(ActRefused, match="resourceVersion"):
        acts.act(act, KEY)
    assert server.writes == []


def test_a_kind_that_may_not_be_read_is_passed_over(server: Held, acts: Any) -> None:
    server.put("/apis/apps/v1/namespaces/ml/statefulsets/other")
    server.denied = {"rollouts", "statefulsets", "horizontalpodautoscalers"}
    draft, _act = drafted(acts, "kubernetes.scale", workload="ranker", replicas=9)
    assert draft.target == "deployment ml/ranker"
    assert "autoscaler holds it is not known" in draft.warnings[0] and "403" in draft.warnings[0]
    drafted(acts, "kubernetes.shift_weight", workload="ranker", to="stable")
    with pytest.raises(SourceDenied, match="403"):
        drafted(acts, "kubernetes.scale", workload="somebody", replicas=9)
    with pytest.raises(SourceDenied, match="403"):
        drafted(acts, "kubernetes.shift_weight", workload="canaried", to="stable")


def test_an_autoscaler_that_will_not_have_it_is_told(acts: Any) -> None:
    draft, _act = drafted(acts, "kubernetes.scale", workload="ranker", by=2)
    assert draft.warnings == ("autoscaler ranker holds it within 1 and 3",)


def test_the_key_of_an_aborted_rollout_is_left_before_and_says_nothing_alone(server: Held, acts: Any) -> None:
    draft, act = drafted(acts, "kubernetes.shift_weight", workload="canaried", to="stable")
    assert [(each.path, each.before, each.after) for each in draft.changes] == [("status.abort", None, True)]
    server.faults = [("after", 500)]
    with pytest.raises(SourceError):
        acts.act(act, KEY)
    assert server.objects[ROLLOUT]["metadata"]["annotations"] == {"andon.dev/act": KEY}
    assert acts.did(act, KEY) is False


@pytest.mark.parametrize(
    ("backends", "says"),
    [
        (["ranker", "ranker-canary", "ranker-old"], "3 backends share"),
        (["ranker-gateway", "ranker-gateway-canary"], "no rules of routes divide"),
        (["ranker", "ranker-next"], "no rules of routes divide"),
        (["ranker-canary"], "no rules of routes divide"),
    ],
)
def test_a_route_that_does_not_say_who_is_who_is_left_to_people(
    server: Held, acts: Any, backends: list[str], says: str
) -> None:
    server.put(ROUTE, spec={"rules": [{"backendRefs": [{"name": name} for name in backends]}]})
    with pytest.raises(UsageError, match=says):
        drafted(acts, "kubernetes.shift_weight", workload="ranker", to="stable")


def test_two_rules_that_divide_it_are_left_to_people(server: Held, acts: Any) -> None:
    rule = {"backendRefs": [{"name": "ranker"}, {"name": "ranker-canary"}]}
    server.put(ROUTE, spec={"rules": [rule, rule]})
    with pytest.raises(UsageError, match="2 rules of routes divide"):
        drafted(acts, "kubernetes.shift_weight", workload="ranker", to="stable")


def test_a_budget_is_told_of_and_never_broken(server: Held, acts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "EVICT_SECONDS", 0.2)
    server.budget = 0
    draft, act = drafted(acts, "kubernetes.evict", pod="ranker-1")
    assert draft.warnings and "429" in draft.warnings[0]
    with pytest.raises(ActRefused, match="429"):
        acts.act(act, KEY)
    _draft, act = drafted(acts, "kubernetes.drain", node="gpu-1")
    with pytest.raises(SourceError, match=r"1 of 1 pods are still there: .*429"):
        acts.act(act, KEY)
    assert acts.did(act, KEY) is None  # cordoned, and not empty
    assert POD in server.objects


def test_a_pod_that_nothing_makes_anew_is_told_of(server: Held, acts: Any) -> None:
    server.put(POD, metadata={"ownerReferences": [{"kind": "Node"}]})
    for action in ("kubernetes.evict", "kubernetes.delete_pod"):
        assert drafted(acts, action, pod="ranker-1")[0].warnings == ("nothing makes it anew",)


def test_two_pods_of_one_name_are_told_apart_by_namespace(server: Held, acts: Any) -> None:
    server.put("/api/v1/namespaces/old/pods/ranker-1", spec={})
    with pytest.raises(UsageError, match="has 2 pods called 'ranker-1'"):
        drafted(acts, "kubernetes.evict", pod="ranker-1")
    assert drafted(acts, "kubernetes.evict", pod="ranker-1", namespace="old")[0].target == "pod old/ranker-1"


def test_a_job_is_made_of_what_was_looked_at_and_of_nothing_else(server: Held, acts: Any) -> None:
    draft, act = drafted(acts, "model.retrain", model="ranker")
    assert "template" not in draft.set and draft.restore is None
    server.put(RETRAIN, spec={"suspend": True, "jobTemplate": {"spec": {"template": {}}}})  # that does not matter
    for _ in range(2):
        assert acts.act(act, KEY) == {"job": f"ranker-retrain-{KEY[:16]}"}
    assert [path for _method, path in server.writes] == [f"/apis/batch/v1/namespaces/ml/jobs/ranker-retrain-{KEY[:16]}"]
    server.put(RETRAIN, spec={"jobTemplate": {"spec": {"template": {"image": "other"}}}})
    with pytest.raises(ActRefused, match="would run something else"):
        acts.act(act, "another key")


def test_where_things_are_called_otherwise_the_actuator_says_so(server: Held, tmp_path: Path) -> None:
    server.put("/api/v1/namespaces/a/configmaps/switches")
    server.put("/api/v1/namespaces/b/configmaps/switches")
    named = acting.open_acts("prod", kubeconfig=server.kubeconfig(tmp_path), flags="a/switches")
    assert drafted(named, "model.fallback", model="ranker")[0].target == "configmap a/switches"
    unclear = acting.open_acts("prod", kubeconfig=server.kubeconfig(tmp_path), flags="switches")
    with pytest.raises(UsageError, match="has 2 configmaps called 'switches'"):
        drafted(unclear, "model.fallback", model="ranker")


NUMBERS = st.none() | st.integers(0, 3)
ITEMS = st.dictionaries(st.sampled_from("abc"), NUMBERS).map(
    lambda told: [{"name": name} if value is None else {"name": name, "value": value} for name, value in told.items()]
)
OBJECTS = st.fixed_dictionaries(
    {}, optional={"spec": st.fixed_dictionaries({}, optional={"weight": NUMBERS, "items": ITEMS})}
)


@given(OBJECTS, st.sampled_from(("/spec/weight", "/spec/more/deep~1er/e~0f")), st.none() | st.integers(4, 6))
def test_what_is_set_is_so_and_can_be_unset(live: Any, path: str, value: Any) -> None:
    before = at(live, path)
    after = patched(live, setting(live, path, value))
    assert at(after, path) == value
    assert at(patched(after, setting(after, path, before)), path) == before


@given(OBJECTS, st.none() | st.integers(4, 6))
def test_an_item_comes_and_goes_and_the_others_stay(live: Any, value: Any) -> None:
    path, wanted = "/spec/items/name=b", None if value is None else {"name": "b", "value": value}
    before = at(live, path)
    after = patched(live, setting(live, path, wanted))
    assert at(after, path) == wanted
    others = [each for each in at(live, "/spec/items") or [] if each["name"] != "b"]
    assert [each for each in at(after, "/spec/items") or [] if each["name"] != "b"] == others
    assert at(patched(after, setting(after, path, before)), path) == before


def test_a_path_goes_by_names_and_holds_to_them() -> None:
    live = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    assert setting(live, "/env/name=B/value", "3") == [
        {"op": "test", "path": "/env/1/name", "value": "B"},
        {"op": "test", "path": "/env/1/value", "value": "2"},
        {"op": "replace", "path": "/env/1/value", "value": "3"},
    ]
    assert setting(live, "/env/name=C", {"name": "C"}) == [{"op": "add", "path": "/env/-", "value": {"name": "C"}}]
    assert setting({}, "/env/name=C", {"name": "C"})[0] == {"op": "add", "path": "/env", "value": []}
    with pytest.raises(ActRefused, match="there is no C any more"):
        setting(live, "/env/name=C/value", "3")


def test_what_differs_is_told_by_name_and_a_secret_never() -> None:
    before = {"env": [{"name": "API_KEY", "value": "hunter2"}, {"name": "A", "value": "1"}]}
    after = {"env": [{"name": "A", "value": "2"}, {"name": "API_KEY", "value": "hunter3"},
                     {"name": "DB_PASSWORD", "value": "hunter4"}]}  # fmt: skip
    found = {each.path: (each.before, each.after) for each in differences(before, after)}
    assert found["env[A].value"] == ("1", "2") and found.keys() == {"env[A].value", "env[API_KEY]", "env[DB_PASSWORD]"}
    assert "hunter" not in repr(found)
    assert "hunter" not in repr([*differences({}, after), *differences(after, {})])
