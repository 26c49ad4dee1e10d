"""The kubernetes source against an API server that answers as told. What a healthy one says is in tests/real."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kubestand import Query, StandIn, change, listed, ok, pod, refused, stand_in
from pages import plugin

from console.errors import ConfigError, SourceBusy, SourceDenied, SourceError, SourceMalformed
from console.library import add_plugin_folder, library_dir
from console.model import Labels, Reading, Span
from console.sources.types import Checkable, Collectable, EventReader, LogReader, LogRequest, ObjectReader

add_plugin_folder(library_dir("plugins"))
from andon_plugins import _kubernetes_door as doors  # noqa: E402
from andon_plugins import _kubernetes_mirror as mirrors  # noqa: E402
from andon_plugins import _kubernetes_source as sources  # noqa: E402

MODULE = plugin("kubernetes")
PODS, DEPLOYMENTS = "/api/v1/pods", "/apis/apps/v1/deployments"
ALWAYS = Span(0, 4e9)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "DENIED_PAUSE"):
        monkeypatch.setattr(mirrors, name, 0.02)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as here:
        yield here


def opened(server: StandIn, folder: Path, **options: Any) -> Any:
    return closing(
        sources.open_kubernetes("k8s", **{"kubeconfig": server.kubeconfig(folder), "timeout": 5.0, **options})
    )


def until(holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `holds` gives once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found


def test_what_there_is_is_told_of_the_mirrors(server: StandIn, tmp_path: Path) -> None:
    pods = [pod("web-1"), pod("web-2", waiting="CrashLoopBackOff")]
    server.says[PODS] = lambda _query: ok(listed(pods))
    with opened(server, tmp_path) as source:
        told = until(lambda: source.objects("pod", "web"))
    assert [(each.name, "trouble" in dict(each.facts)) for each in told] == [("web-2", True), ("web-1", False)]
    assert isinstance(source, ObjectReader)


def values(readings: list[Reading], signal: str) -> dict[str, float]:
    """By workload."""
    return {one.series.labels.value("workload") or "": one.value for one in readings if one.series.signal == signal}


def test_it_offers_what_its_child_can_do(server: StandIn, tmp_path: Path) -> None:
    [offer] = MODULE.andon_sources()
    assert offer.isolated and "KUBE" in offer.environment
    with opened(server, tmp_path) as source:
        assert isinstance(source, Collectable) and isinstance(source, EventReader)
        assert isinstance(source, LogReader) and isinstance(source, Checkable)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("kubernetes", {}),
        ("kubernetes:prod", {"context": "prod"}),
        ("prod.kubeconfig", {"kubeconfig": "prod.kubeconfig"}),
        ("/home/me/.kube/config", {"kubeconfig": "/home/me/.kube/config"}),
        ("events.jsonl", None),
        ("http://host/kubeconfig", None),
    ],
)
def test_what_a_command_line_means(url: str, options: dict[str, str] | None) -> None:
    [offer] = MODULE.andon_sources()
    assert offer.from_url(url) == options


def test_a_list_comes_in_pages_and_only_records_stay(server: StandIn, tmp_path: Path) -> None:
    pods = [pod(f"web-5c9745674b-{n:05d}") for n in range(1000)]

    def pages(query: Query) -> tuple[int, bytes]:
        start = int(query.get("continue", "0"))
        end = start + int(query["limit"])
        return ok(listed(pods[start:end], following=str(end) if end < 1000 else "", remaining=max(0, 1000 - end)))

    server.says[PODS] = pages
    with opened(server, tmp_path) as source:
        assert values(source.collect(1.0), "workload.pods.pending") == {"web": 0.0}
        [mirror] = source._mirrors["", "pods", ""]
        assert len(mirror.items) == 1000 and server.count(PODS) == 4


def test_while_it_is_listed_nothing_is_said_to_be_there(
    server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SETTLE_SECONDS", 0.3)
    go_on = threading.Event()

    def pages(query: Query) -> tuple[int, bytes]:
        if "continue" in query:
            go_on.wait(20)
        return ok(listed([pod("web-5c9745674b-a")], following="" if "continue" in query else "2", remaining=500))

    server.says[PODS] = pages
    with opened(server, tmp_path) as source:
        with pytest.raises(SourceBusy, match="pods are still being listed"):
            source.collect(1.0)
        [mirror] = source._mirrors["", "pods", ""]
        until(lambda: mirror.progress == (1, 501))
        with pytest.raises(SourceBusy, match="pods are still being listed: 1 of 501 so far"):
            mirror.now()
        with pytest.raises(SourceBusy, match="still being listed"):
            source.events(ALWAYS, ("oom",))
        go_on.set()
        until(mirror.listed.is_set)
        assert source.collect(1.0)


def test_a_missing_permission_is_named_and_the_rest_goes_on(server: StandIn, tmp_path: Path) -> None:
    server.says["/api/v1/configmaps"] = lambda _query: refused(403, "nope")
    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a")]))
    with opened(server, tmp_path) as source:
        assert values(source.collect(1.0), "workload.restarts") == {"web": 0.0}
        reason = source.check().reason
        assert "may not list configmaps in all namespaces: add get, list, watch on configmaps" in reason
        with pytest.raises(SourceDenied, match="may not list configmaps"):
            source.events(ALWAYS, ("config",))  # that nothing was changed is more than it knows
        assert source.events(ALWAYS, ("deploy",)) == source.events(ALWAYS, ()) == []
        server.says["/api/v1/configmaps"] = lambda _query: ok(listed([]))  # it was granted
        until(lambda: "may not" not in source.check().reason)


def test_which_revision_is_the_newest_is_not_guessed(server: StandIn, tmp_path: Path) -> None:
    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a", waiting="ErrImagePull")]))
    server.says["/apis/apps/v1/replicasets"] = lambda _query: refused(403)
    with opened(server, tmp_path) as source:
        readings = source.collect(1.0)
        assert values(readings, "workload.pods.waiting") and not values(readings, "workload.pods.unready")
        with pytest.raises(SourceDenied, match=r"may not list replicasets .* on replicasets\.apps"):
            source.events(ALWAYS, ("deploy", "rollback"))


def test_a_watch_that_is_dropped_is_taken_up_where_it_stopped(server: StandIn, tmp_path: Path) -> None:
    asked: list[str] = []

    def changes(query: Query, say: Callable[[bytes], None]) -> None:
        assert query["allowWatchBookmarks"] == "true"
        asked.append(query["resourceVersion"])
        if len(asked) == 1:
            say(change("ADDED", pod("web-5c9745674b-b", version="20")))
            say(change("BOOKMARK", {"metadata": {"resourceVersion": "30"}}))
            say(b'{"type": "ADD')  # and then the line is cut
        elif len(asked) == 2:
            say(change("DELETED", pod("web-5c9745674b-a", version="40")))
            say(change("MODIFIED", pod("web-5c9745674b-b", version="41", waiting="ErrImagePull")))
            server.ended.wait()

    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a")], version="10"))
    server.changes[PODS] = changes
    with opened(server, tmp_path) as source:
        source.collect(1.0)
        [mirror] = source._mirrors["", "pods", ""]
        until(
            lambda: [*mirror.items] == ["default/web-5c9745674b-b"] and mirror.items["default/web-5c9745674b-b"].waiting
        )
        assert asked == ["10", "30"] and mirror.lists == 1
        readings = source.collect(2.0)
        waiting = {one.series.labels.value("reason"): one.value for one in readings
                   if one.series.signal == "workload.pods.waiting"}  # fmt: skip
        assert waiting == {"CrashLoopBackOff": 0.0, "ImagePullBackOff": 1.0}


def test_what_the_server_has_forgotten_is_listed_anew(server: StandIn, tmp_path: Path) -> None:
    lists = iter([("a", "10"), ("b", "90")])

    def changes(query: Query, say: Callable[[bytes], None]) -> None:
        if query["resourceVersion"] == "10":
            say(change("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))
        else:
            server.ended.wait()

    def answer(_query: Query) -> tuple[int, bytes]:
        name, version = next(lists)
        return ok(listed([pod(f"web-5c9745674b-{name}", restarts=2 if name == "b" else 0)], version=version))

    server.says[PODS], server.changes[PODS] = answer, changes
    with opened(server, tmp_path) as source:
        source.collect(1.0)
        [mirror] = source._mirrors["", "pods", ""]
        until(lambda: [*mirror.items] == ["default/web-5c9745674b-b"])
        assert values(source.collect(2.0), "workload.restarts") == {"web": 2.0}  # what came while nobody looked counts


def test_a_list_that_outlives_the_server_s_memory_is_begun_again_with_larger_pages(
    server: StandIn, tmp_path: Path
) -> None:
    limits: list[str] = []

    def pages(query: Query) -> tuple[int, bytes]:
        if "continue" not in query:
            limits.append(query["limit"])
            return ok(listed([pod("web-5c9745674b-a")], following="2" if len(limits) == 1 else ""))
        return refused(410, "the provided continue parameter is too old")

    server.says[PODS] = pages
    with opened(server, tmp_path) as source:
        assert source.collect(1.0)
        assert limits == ["250", "1000"]


def test_restarts_only_rise_whatever_pods_are_deleted(server: StandIn, tmp_path: Path) -> None:
    more = threading.Event()

    def changes(_query: Query, say: Callable[[bytes], None]) -> None:
        say(change("MODIFIED", pod("web-5c9745674b-a", version="11", restarts=7)))
        more.wait(20)
        say(change("DELETED", pod("web-5c9745674b-a", version="12", restarts=7)))
        say(change("ADDED", pod("web-5c9745674b-c", version="13")))
        server.ended.wait()

    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a", restarts=5)]))
    server.changes[PODS] = changes
    with opened(server, tmp_path) as source:
        until(lambda: values(source.collect(1.0), "workload.restarts") == {"web": 2.0})
        more.set()
        until(lambda: "default/web-5c9745674b-c" in source._mirrors["", "pods", ""][0].items)
        assert values(source.collect(2.0), "workload.restarts") == {"web": 2.0}


def test_what_was_lost_long_ago_is_not_the_present(
    server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a")]))
    server.changes[PODS] = lambda _query, say: say(change("ERROR", {"code": 500, "message": "etcd is away"}))
    monkeypatch.setattr(mirrors, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(mirrors, "FIRST_PAUSE", 60.0)
    with opened(server, tmp_path) as source:
        source._begin()
        [mirror] = source._mirrors["", "pods", ""]
        until(lambda: mirror.trouble)
        with pytest.raises(SourceError, match="etcd is away"):
            mirror.now()
        with pytest.raises(SourceError, match="etcd is away"):
            source.collect(1.0)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refused(401, "Unauthorized"), SourceDenied, "401"),
        (refused(500, "etcd\nis away"), SourceError, "answered 500: etcd is away"),
        (refused(429, "slow down"), SourceError, "answered 429: slow down"),
        ((200, b"<html>a proxy</html>"), SourceMalformed, "no JSON"),
        ((200, b"[1, 2]"), SourceMalformed, "no object"),
        ((302, b"/version"), SourceError, "answered 302"),  # nobody else gets our token,
    ],
)
def test_what_a_server_says_instead_is_the_source_s_own_trouble(
    server: StandIn, tmp_path: Path, answer: tuple[int, bytes], error: type[Exception], words: str
) -> None:
    server.says["/apis"] = lambda _query: answer
    with opened(server, tmp_path) as source, pytest.raises(error, match=words):
        source.collect(1.0)


def test_lists_of_garbage_leave_what_makes_sense(server: StandIn, tmp_path: Path) -> None:
    odd: list[Any] = [
        {"metadata": {"name": "x", "namespace": "n"}, "status": {"containerStatuses": [{"restartCount": "many"}]}},
        {"metadata": {"name": "y"}, "spec": [], "status": 7},
        pod("web-5c9745674b-a"),
    ]
    server.says[PODS] = lambda _query: ok(listed(odd))
    with opened(server, tmp_path) as source:
        assert values(source.collect(1.0), "workload.restarts") == {"web": 0.0}
    server.says[PODS] = lambda _query: ok({"metadata": {}, "items": "none"})
    with opened(server, tmp_path) as source, pytest.raises(SourceMalformed, match="pods"):
        source.collect(1.0)


def test_more_than_a_page_may_weigh_is_cut_off(
    server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "MOST_BYTES", 10_000)
    server.says[PODS] = lambda _query: ok(listed([pod(f"web-5c9745674b-{n}") for n in range(20)]))
    with opened(server, tmp_path) as source, pytest.raises(SourceMalformed, match="more than 10,000 bytes"):
        source.collect(1.0)


def test_labels_with_odd_characters_are_values_like_others(server: StandIn, tmp_path: Path) -> None:
    model = 'a"b}\\{,\n\x1b[31m'
    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a", labels={"andon/model": model})]))
    with opened(server, tmp_path) as source:
        readings = source.collect(1.0)
        assert {one.series.labels.value("model") for one in readings} == {model}
    with opened(server, tmp_path, model_label=["nobody/has", "app"]) as source:
        assert {one.series.labels.value("model") for one in source.collect(1.0)} == {"web"}


def test_a_group_is_asked_for_the_version_that_has_the_resource(server: StandIn, tmp_path: Path) -> None:
    versions = {"name": "autoscaling", "preferredVersion": {"version": "v3"},
                "versions": [{"version": "v3"}, {"version": "v2"}, {"version": "v1"}]}  # fmt: skip
    server.says["/apis"] = lambda _query: ok({"groups": [versions]})
    server.says["/apis/autoscaling/v3"] = lambda _query: refused(404)
    server.says["/apis/autoscaling/v2"] = lambda _query: ok({"resources": [{"name": "horizontalpodautoscalers"}]})
    scaler = {"metadata": {"name": "s", "namespace": "default"},
              "spec": {"maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}}  # fmt: skip
    server.says["/apis/autoscaling/v2/horizontalpodautoscalers"] = lambda _query: ok(listed([scaler]))
    server.says[PODS] = lambda _query: ok(listed([pod("web-5c9745674b-a")]))
    with opened(server, tmp_path) as source:
        assert values(source.collect(1.0), "workload.replicas.max") == {"web": 9.0}


def test_a_server_that_hangs_or_is_away_is_unreachable_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        here = StandIn(port=silent.getsockname()[1])
        began = time.monotonic()
        with opened(here, tmp_path, timeout=0.2) as source, pytest.raises(SourceError, match=r"took more than 0\.2 s"):
            source.collect(1.0)
        assert time.monotonic() - began < 20
    with opened(here, tmp_path) as source, pytest.raises(SourceError, match="cannot be reached"):
        source.collect(1.0)


def test_a_server_that_drips_is_cut_off(tmp_path: Path) -> None:
    def drip(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not ended.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        here = StandIn(port=listener.getsockname()[1])
        with opened(here, tmp_path, timeout=0.5) as source, pytest.raises(SourceError, match=r"took more than 0\.5 s"):
            source.collect(1.0)
        ended.set()
        thread.join(10)


def test_what_speaks_no_tls_is_not_trusted(server: StandIn, tmp_path: Path) -> None:
    path = server.kubeconfig(tmp_path, server=f"https://127.0.0.1:{server.port}")
    with (
        closing(sources.open_kubernetes("k8s", kubeconfig=path)) as source,
        pytest.raises(SourceError, match="cannot be"),
    ):
        source.collect(1.0)


@pytest.mark.parametrize("text", [None, "", "{", "clusters: [", "kind: Config\ncurrent-context: nowhere\n"])
def test_a_kubeconfig_that_is_none_is_a_configuration_to_mend(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "broken.kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match="kubeconfig cannot be used") as raised:
        sources.open_kubernetes("k8s", kubeconfig=str(path), context="prod")
    assert raised.value.hint == "try: kubectl get nodes --context prod"


def test_a_token_never_shows(server: StandIn, tmp_path: Path) -> None:
    config = json.loads(Path(server.kubeconfig(tmp_path)).read_text())
    config["users"][0]["user"] = {"token": "geheim"}
    path = tmp_path / "secret.kubeconfig"
    path.write_text(json.dumps(config))
    server.says["/version"] = lambda _query: refused(500, "no")
    with closing(sources.open_kubernetes("k8s", kubeconfig=str(path))) as source:
        with pytest.raises(SourceError) as raised:
            source.collect(1.0)
        assert "geheim" not in f"{raised.value.message}{raised.value.hint}"


def test_logs_are_bounded_and_one_pod_without_any_harms_no_other(
    server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from andon_plugins import _kubernetes_logs as logs

    monkeypatch.setattr(logs, "MOST_BYTES", 1000)
    pods = [pod(f"web-5c9745674b-{n:02d}") for n in range(20)]
    pods.append(pod("web-5c9745674b-bad", waiting="ImagePullBackOff"))
    server.says[PODS] = lambda _query: ok(listed(pods))
    line = b"2026-11-22T21:43:37.5Z ERROR out of memory\n"
    for one in pods:
        name = one["metadata"]["name"]
        server.says[f"/api/v1/namespaces/default/pods/{name}/log"] = lambda _query: (200, line * 100)
    server.says["/api/v1/namespaces/default/pods/web-5c9745674b-bad/log"] = lambda _query: refused(
        400, "waiting to start"
    )
    with opened(server, tmp_path) as source:
        lines = source.logs(LogRequest(ALWAYS, Labels.of(model="web", cluster="ours"), most=100))
        assert len(lines) == 100 and {one.severity for one in lines} == {"error"}
        asked = [path for path, _query in server.asked if path.endswith("/log")]
        assert len(asked) == logs.MOST_PODS and asked[0].endswith("-bad/log")
        assert all(query["limitBytes"] == "1000" for path, query in server.asked if path.endswith("/log"))
        assert source.logs(LogRequest(ALWAYS, Labels.of(pod="web-5c9745674b-03"), most=10))
        with pytest.raises(SourceError, match="waiting to start"):
            source.logs(LogRequest(ALWAYS, Labels.of(pod="web-5c9745674b-bad")))
