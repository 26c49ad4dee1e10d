"""The whole way of an alert: a rule of a real Prometheus, a real Alertmanager, `andon listen`, and a person is told."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import alertserver
import promserver
import pytest

from console.service.client import Client

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (alertserver.is_installed() and promserver.is_installed()),
        reason="needs Debian's prometheus and prometheus-alertmanager: `make test-real` installs them",
    ),
]
TOKEN = "a-token-of-the-test"
SECONDS = 60.0  # for one thing to come about on a loaded machine
PLAYBOOK = """
schema: andon/v1
name: crowded
title: Requests wait for a turn
triggers:
  - {alert: {alertname: "Requests*"}}
inputs:
  model: {type: string, from: incident.labels.model}
windows: {current: 5m, baseline: {offset: 30m}}
steps:
  - id: waiting
    title: Do more requests wait than before?
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {model: "${{ inputs.model }}"}, tolerance: 20%}
causes:
  - id: too_many
    title: More requests come than the replicas can answer
    evidence:
      - {if: steps.waiting.verdict == "degraded", weight: decisive}
"""
RULES = """
groups:
- name: serving
  rules:
  - alert: RequestsWait
    expr: vllm:num_requests_waiting > 10
    labels: {severity: page}
    annotations: {summary: 'requests wait for {{ $labels.model_name }}', runbook_url: 'https://runbooks/wait'}
"""


@contextmanager
def catcher() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps the notices it is sent."""
    caught: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            caught.append(json.loads(body) | {"signature": self.headers["X-Andon-Signature"]})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", caught
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def andon(*arguments: str, ready: str, environment: dict[str, str]) -> Iterator[str]:
    """A command of ours that goes on, once it says that it is ready; the line that says so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "console.cli", *arguments],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | environment,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        while ready not in (line := process.stderr.readline()):
            assert line, f"andon {arguments[-1]} ended"
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        yield line
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        drain.join()
        process.stderr.close()


def test_a_rule_that_fires_becomes_an_incident_a_diagnosis_and_a_notice(tmp_path: Path) -> None:
    data, books = tmp_path / "d", tmp_path / "books"
    books.mkdir()
    (books / "crowded.yaml").write_text(PLAYBOOK)
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    port = promserver.free_port()
    with ExitStack() as stack:
        manager = stack.enter_context(alertserver.alertmanager(tmp_path / "am", _manager_config(tmp_path, port)))
        more = (
            f"rule_files: [{tmp_path / 'rules.yml'}]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{manager.removeprefix('http://')}']}}]}}]}}\n"
        )
        url = stack.enter_context(promserver.prometheus(tmp_path / "prom", history=_history(time.time()), more=more))
        address, caught = stack.enter_context(catcher())
        (tmp_path / "config.toml").write_text(
            f"""
[daemon]
interval = "0s"
[playbooks]
dirs = ["{books}"]
[sources.prom]
kind = "prometheus"
url = "{url}"
[sources.am]
kind = "alertmanager"
url = "{manager}"
[alerts]
once_after = "0s"
accumulate_within = "1s"
[notify.hook]
kind = "webhook"
url = "{address}"
secret_env = "ANDON_HOOK_KEY"
"""
        )
        flags = ["--config", str(tmp_path / "config.toml"), "--data", str(data)]
        secrets = {"ANDON_HOOK_KEY": "k", "ANDON_LISTEN_TOKEN": TOKEN}
        stack.enter_context(andon(*flags, "daemon", ready="ready", environment=secrets))
        stack.enter_context(
            andon(*flags, "listen", "--address", f"127.0.0.1:{port}", ready="listening on", environment=secrets)
        )
        client = Client(data)
        incident = _until(lambda: next(iter(client.request("incident.list")), None))
        assert (incident["subject"], incident["symptom"]["alert"]["alertname"]) == ("chat", "RequestsWait")
        _until(lambda: [each["what"] for each in caught] == ["opened", "cause"])
        diagnosis = client.request("diagnosis", incident=incident["id"])
        assert diagnosis["causes"][0]["id"] == "too_many"
        cause = caught[1]
        assert cause["causes"][0]["title"] == "More requests come than the replicas can answer"
        assert cause["findings"][0]["id"] == diagnosis["causes"][0]["evidence"][0]
        assert cause["command"] == f"andon incident show {incident['id']}"
        assert cause["signature"].startswith("sha256=")
        told = client.request("alert.list")
        (row,) = [each for each in told["alerts"] if each["name"] == "RequestsWait"]
        assert (row["source"], row["state"], row["incident"]) == ("am", "firing", incident["id"])
        made = client.request("silence.create", matchers=["RequestsWait"], seconds=600, comment="we know")
        assert made["alerts"] == 1
        _until(lambda: [each["alerts"] for each in client.request("silence.list")["silences"]] == [1])
        client.request("silence.end", silence=made["id"])
        client.request("incident.close", incident=incident["id"])
        _until(lambda: [each["what"] for each in caught] == ["opened", "cause", "closed"])


def _until(holds: Any) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def _manager_config(folder: Path, port: int) -> str:
    return f"""
route: {{receiver: andon, group_wait: 1s, group_interval: 2s}}
receivers:
- name: andon
  webhook_configs:
  - url: http://127.0.0.1:{port}/
    send_resolved: true
    max_alerts: 5000
    http_config:
      authorization: {{credentials_file: {folder / "token"}}}
"""


def _history(now: float) -> str:
    """An hour of a queue that is short, and long in the last five minutes."""
    steps = [now - 3600 + 15 * (step + 1) for step in range(240)]
    lines: list[str] = []
    for name, values in (
        ("num_requests_running", [8 for _at in steps]),
        ("num_requests_waiting", [(30 if now - at < 300 else 2) + step % 3 for step, at in enumerate(steps)]),
    ):
        lines.append(f"# TYPE vllm:{name} gauge")
        pairs = zip(values, steps, strict=True)
        lines += [f'vllm:{name}{{model_name="chat",engine="0"}} {value} {at:.3f}' for value, at in pairs]
    return "\n".join([*lines, "# EOF", ""])
