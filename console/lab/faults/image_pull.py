"""A release names an image that is not there: its pods wait for it. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import NAMESPACE, WORKLOADS
from console.lab.site.place import Site


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Roll it out; new pods wait, old ones serve on."""
    workload, waits = parameters["workload"], parameters["waits"]
    site.happens("deploy", workload, f"{workload} 2.{parameters['release']} rolled out", "planned release")
    site.turn("workload.replicas.updated", to=waits, workload=workload)
    site.turn("workload.replicas.unavailable", to=waits, workload=workload)
    for number in range(waits):
        pod = {"pod": f"{workload}-{WORKLOADS[workload]['replicas'] + number:.0f}", "container": "server"}
        of = {"namespace": NAMESPACE, "workload": workload, **pod}
        site.appear("kube", "workload.pods.waiting", 1.0, **of, reason="ImagePullBackOff")


def heal(site: Site) -> None:
    """It was rolled back."""
    site.mend()
