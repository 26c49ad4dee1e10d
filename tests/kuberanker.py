"""A cluster that serves one model, `ranker`, and all that can be asked of it: each action with its options."""

from __future__ import annotations

from typing import Any

from kubeheld import Held

RANKER = "/apis/apps/v1/namespaces/ml/deployments/ranker"
SETS = "/apis/apps/v1/namespaces/ml/replicasets"
SCALER = "/apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/ranker"
POD = "/api/v1/namespaces/ml/pods/ranker-1"
ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/ml/httproutes/ranker"
ROLLOUT = "/apis/argoproj.io/v1alpha1/namespaces/ml/rollouts/canaried"
FLAGS = "/api/v1/namespaces/ml/configmaps/ranker-flags"
RETRAIN = "/apis/batch/v1/namespaces/ml/cronjobs/ranker-retrain"

REVISION = "deployment.kubernetes.io/revision"

EACH: dict[str, dict[str, Any]] = {
    "kubernetes.scale": {"workload": "ranker", "replicas": 3},
    "kubernetes.restart": {"workload": "ranker"},
    "kubernetes.undo": {"workload": "ranker"},
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


def furnish(here: Held) -> None:
    """Put everything there that the actions change."""
    container = {"name": "server", "image": "ranker:1", "env": [{"name": "MODE", "value": "fast"}]}
    spec = {"replicas": 2, "template": {"metadata": {"labels": {}}, "spec": {"containers": [container]}}}
    here.put(RANKER, metadata={"annotations": {REVISION: "2"}}, spec=spec, status={"readyReplicas": 2})
    for number, image in ((1, "ranker:0"), (2, "ranker:1")):
        here.put(f"{SETS}/ranker-{number}", **revision_of(here.objects[RANKER], number, image))
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


def revision_of(live: dict[str, Any], number: int, image: str) -> dict[str, Any]:
    """The ReplicaSet that a controller makes of a Deployment's template, with this image."""
    template = live["spec"]["template"]
    [container] = template["spec"]["containers"]
    labels = {**template["metadata"]["labels"], "pod-template-hash": str(number)}
    own = {"metadata": {"labels": labels}, "spec": {"containers": [{**container, "image": image}]}}
    owners = [{"uid": live["metadata"]["uid"], "kind": "Deployment", "name": "ranker"}]
    return {
        "metadata": {"annotations": {REVISION: str(number)}, "ownerReferences": owners},
        "spec": {"template": own},
    }
