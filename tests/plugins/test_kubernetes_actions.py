"""Changing a cluster against a server that does as told: what was refused is told from what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubeheld import Held, held, patched
from kuberanker import EACH, FLAGS, POD, RANKER, RETRAIN, ROLLOUT, ROUTE, SETS, furnish, revision_of
from pages import plugin

from console.config import ActuatorConfig
from console.errors import ActRefused, SourceDenied, SourceError, UsageError
from console.library import add_plugin_folder, library_dir
from console.model import Act, Change, Draft
from console.plugins import load_plugins
from console.remedy.actuator import opened

add_plugin_folder(library_dir("plugins"))
from andon_plugins import _kubernetes_acts as acting  # noqa: E402
from andon_plugins import _kubernetes_endings as endings  # noqa: E402
from andon_plugins._kubernetes_objects import at, differences, is_secret, setting  # noqa: E402

MODULE = plugin("kubernetes_actions")
ACTIONS = load_plugins().by_name("andon_actions")
NODE = "/api/v1/nodes/gpu-1"
BY_DIGEST = ("kubernetes.undo", "model.retrain")  # they keep no values
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server() -> Iterator[Held]:
    with held() as here:
        furnish(here)
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


def test_every_action_that_the_kind_offers_is_one_and_is_tried_here() -> None:
    [offer] = MODULE.andon_actuators()
    assert set(offer.actions) == EACH.keys()
    assert set(offer.actions) <= ACTIONS.keys()


@pytest.mark.parametrize("action", ["kubernetes.cordon", "kubernetes.taint", "kubernetes.drain"])
@pytest.mark.parametrize(
    "node", ["gpu-1#", "gpu-1?a=b", "../namespaces/ml/pods/ranker-1", "..", "gpu-1/status", "%2e%2e"]
)
def test_a_name_out_of_an_alert_leads_nowhere_else_and_makes_no_dry_run_a_real_one(
    server: Held, acts: Any, action: str, node: str
) -> None:
    with pytest.raises((UsageError, SourceError)):
        drafted(acts, action, node=node)
    assert server.writes == []


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
    if when == "after" and action == "kubernetes.drain":  # its node is cordoned, and nobody evicted its pods
        with pytest.raises(SourceError, match="node gpu-1 is marked, and 1 of 1 pods stay: ml/ranker-1"):
            acts.did(act, KEY)
    else:
        assert acts.did(act, KEY) is (when == "after")


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


@pytest.mark.parametrize("action", [name for name in EACH if "pod" not in EACH[name] and name not in BY_DIGEST])
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


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "EVICT_SECONDS", 0.1)
    monkeypatch.setattr(endings, "AGAIN_SECONDS", 0.01)


def test_a_budget_is_told_of_and_never_broken(server: Held, acts: Any) -> None:
    server.budget = 0
    draft, act = drafted(acts, "kubernetes.evict", pod="ranker-1")
    assert draft.warnings and "429" in draft.warnings[0]
    with pytest.raises(ActRefused, match="429"):
        acts.act(act, KEY)
    assert POD in server.objects


@pytest.mark.parametrize("is_cordoned", [False, True])
def test_a_node_that_a_budget_keeps_from_being_emptied_is_marked_as_before(
    server: Held, acts: Any, hasty: None, is_cordoned: bool
) -> None:
    server.put(NODE, spec={"unschedulable": True} if is_cordoned else {})
    server.put(f"{POD}-too", spec={"nodeName": "gpu-1"})
    before = server.objects[NODE]["spec"]
    server.budget = 1
    _draft, act = drafted(acts, "kubernetes.drain", node="gpu-1")
    told = (
        r"1 of 2 pods were evicted, ml/ranker-1-too stay: .* 429: .* The budget keeps 2; node gpu-1 is marked as before"
    )
    with pytest.raises(ActRefused, match=told):
        acts.act(act, KEY)
    assert server.objects[NODE]["spec"] == before and POD not in server.objects
    assert acts.did(act, KEY) is False


def test_a_mark_that_somebody_changed_meanwhile_is_left_to_them(server: Held, acts: Any, hasty: None) -> None:
    _draft, act = drafted(acts, "kubernetes.drain", node="gpu-1")
    server.budget = 0
    looks = []

    def look() -> None:
        looks.append(server.objects[NODE]["spec"])
        if looks[-1].get("unschedulable"):
            server.put(NODE, spec={"unschedulable": "theirs"})
        else:
            server.meanwhile = look

    server.meanwhile = look
    with pytest.raises(ActRefused, match="the mark was left as it is: node gpu-1 is not what it was"):
        acts.act(act, KEY)
    assert server.objects[NODE]["spec"] == {"unschedulable": "theirs"}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("code", [0, 403, 500])
def test_a_pod_whose_eviction_broke_off_is_asked_again(server: Held, acts: Any, when: Any, code: int) -> None:
    _draft, act = drafted(acts, "kubernetes.drain", node="gpu-1")
    server.faults = [None, (when, code)]
    acts.act(act, KEY)
    assert POD not in server.objects and acts.did(act, KEY) is True
    assert server.writes == [("PATCH", NODE), ("DELETE", POD)]


def test_a_pod_that_takes_its_time_to_end_has_left(server: Held, acts: Any) -> None:
    _draft, act = drafted(acts, "kubernetes.drain", node="gpu-1")
    server.faults = [("after", 500)]
    with pytest.raises(SourceError):
        acts.act(act, KEY)
    server.put(POD, metadata={"deletionTimestamp": "2026-11-22T21:43:37Z"})
    assert acts.did(act, KEY) is True


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
    found = {each.path: (each.before, each.after) for each in told(before, after)}
    assert found["env[A].value"] == ("1", "2") and found.keys() == {"env[A].value", "env[API_KEY]", "env[DB_PASSWORD]"}
    assert "hunter" not in repr(found)
    assert "hunter" not in repr([*told({}, after), *told(after, {})])


def told(before: Any, after: Any) -> list[Change]:
    return list(differences(before, after, hides=is_secret))


@pytest.mark.parametrize(
    "secret",
    [
        {"args": ["--api-key=hunter2", "--port=80"]},
        {"args": ["--api-key", "hunter2"]},
        {"args": ["serve", "--token", "hunter2", "--port"]},
        {"command": ["sh", "-c", "PASSWORD=hunter2 serve"]},
        {"env": [{"name": "DATABASE", "value": "postgres://ada:hunter2@db/x"}]},
        {"annotations": {"example.org/token": "hunter2"}},
    ],
    ids=lambda told: "-".join(map(str, told.values())),
)
def test_a_secret_is_shown_to_nobody_wherever_it_stands(secret: dict[str, Any]) -> None:
    plain = {"args": ["serve", "now"], "env": [{"name": "DATABASE", "value": "none"}], "annotations": {"a": "b"}}
    other = orjson.loads(orjson.dumps(secret).replace(b"hunter2", b"hunter3"))
    for before, after in ((plain, secret), (secret, plain), (secret, other)):
        found = told(before, after)
        assert found and "hunter" not in repr(found)


@pytest.mark.parametrize(
    ("action", "told", "there"),
    [
        ("kubernetes.set_args", {"args": ["--port", "80"]}, {"args": ["--api-key", "hunter2"]}),
        ("kubernetes.set_env", {"env": {"API_KEY": "none"}}, {"env": [{"name": "API_KEY", "value": "hunter2"}]}),
    ],
)
def test_a_secret_that_is_replaced_is_held_to_and_not_kept(
    server: Held, acts: Any, action: str, told: dict[str, Any], there: dict[str, Any]
) -> None:
    def hold(told: dict[str, Any]) -> None:
        [container] = server.objects[RANKER]["spec"]["template"]["spec"]["containers"]
        container |= told

    hold(there)
    draft, act = drafted(acts, action, workload="ranker", **told)
    assert draft.restore is None and draft.warnings[-1].endswith("it cannot be taken back")
    assert draft.changes and "hunter2" not in repr(draft)
    hold(orjson.loads(orjson.dumps(there).replace(b"hunter2", b"hunter3")))
    with pytest.raises(ActRefused, match="is not what it was"):
        acts.act(act, KEY)
    hold(there)
    assert "hunter2" not in repr(acts.act(act, KEY)) and acts.did(act, KEY) is True


def test_a_revision_is_named_in_a_plan_and_what_it_says_stays_where_it_is(server: Held, acts: Any) -> None:
    live = server.objects[RANKER]
    spec = live["spec"]["template"]["spec"]
    [container] = spec["containers"]
    for path, words in ((RANKER, "hunter2"), (f"{SETS}/ranker-2", "hunter2"), (f"{SETS}/ranker-1", "hunter3")):
        held = server.objects[path]
        env = [{"name": "GREETING", "value": words}]
        template = {**held["spec"]["template"], "spec": {"containers": [{**container, "env": env}]}}
        server.put(path, spec={**held["spec"], "template": template})
    draft, act = drafted(acts, "kubernetes.undo", workload="ranker")
    assert [each.path for each in draft.changes] == ["spec.template.spec.containers[server].env[GREETING]"]
    facts = acts.act(act, KEY)
    assert facts["key"] == KEY and "hunter" not in repr((draft, facts))
    assert "hunter3" in repr(server.objects[RANKER]["spec"]["template"])
    acts.act(Act(act.action, "prod", act.target, draft.restore, facts), "key-2")
    assert server.objects[RANKER]["spec"] == {**live["spec"], "template": server.objects[RANKER]["spec"]["template"]}
    assert "hunter2" in repr(server.objects[RANKER]["spec"]["template"])


@pytest.mark.parametrize(
    ("path", "says"),
    [(RANKER, "deployment ml/ranker is not what it was"), (f"{SETS}/ranker-1", "ranker-1 is another one by now")],
)
def test_a_revision_that_became_another_one_is_not_gone_back_to(server: Held, acts: Any, path: str, says: str) -> None:
    _draft, act = drafted(acts, "kubernetes.undo", workload="ranker")
    server.objects[path]["spec"]["template"]["spec"]["containers"][0]["image"] = "theirs"
    with pytest.raises(ActRefused, match=says):
        acts.act(act, KEY)
    assert server.writes == [] and acts.did(act, KEY) is False


def test_a_revision_that_is_gone_is_not_gone_back_to(server: Held, acts: Any) -> None:
    _draft, act = drafted(acts, "kubernetes.undo", workload="ranker")
    del server.objects[f"{SETS}/ranker-1"]
    with pytest.raises(ActRefused, match="is not there any more"):
        acts.act(act, KEY)
    del server.objects[f"{SETS}/ranker-2"]
    server.put(f"{SETS}/ranker-1", **revision_of(server.objects[RANKER], 1, "ranker:0"))
    draft, _act = drafted(acts, "kubernetes.undo", workload="ranker")
    assert draft.restore is None and "it cannot be taken back" in draft.warnings[-1]


@pytest.mark.parametrize(
    ("spec", "tells"),
    [
        ({}, False),
        ({"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}, False),
        ({"successfulJobsHistoryLimit": 0}, None),
        ({"failedJobsHistoryLimit": 0}, None),
        ({"jobTemplate": {"spec": {"template": {}, "ttlSecondsAfterFinished": 60}}}, None),
    ],
)
def test_a_job_that_is_not_there_was_not_made_where_it_would_have_been_kept(
    server: Held, acts: Any, spec: dict[str, Any], tells: bool | None
) -> None:
    server.put(RETRAIN, spec={**server.objects[RETRAIN]["spec"], **spec})
    _draft, act = drafted(acts, "model.retrain", model="ranker")
    assert acts.did(act, KEY) is tells
    acts.act(act, KEY)
    assert acts.did(act, KEY) is True
    server.objects = {path: each for path, each in server.objects.items() if "/jobs/" not in path}
    assert acts.did(act, KEY) is tells
    del server.objects[RETRAIN]  # and what it made with it
    assert acts.did(act, KEY) is None
