"""The actuator kind `kubernetes`, and what it does: scale, restart, undo, images, autoscalers, nodes.

It has a kubeconfig of its own: what reads a cluster should not be able to change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from andon_plugins.kubernetes import ENVIRONMENT
from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.plugins import ActionType, ActuatorType, hookimpl
from console.sources.options import LocalPath


class KubernetesActuatorOptions(BaseModel):
    """Which cluster, as whom."""

    model_config = ConfigDict(extra="forbid")

    kubeconfig: LocalPath | None = None  # none: $KUBECONFIG, ~/.kube/config, or the pod that andon runs in
    context: str | None = None
    timeout: float = Field(default=10.0, gt=0, le=15.0)  # of one answer, seconds
    feeds: str = "{model}-feed"  # the CronJob that feeds a model: a name, or namespace/name
    retraining: str = "{model}-retrain"  # the CronJob that trains it
    flags: str = "{model}-flags"  # the ConfigMap that its serving reads


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Workload(_Options):
    """A Deployment, StatefulSet, DaemonSet or Rollout."""

    workload: str = Field(min_length=1, max_length=253)
    namespace: str | None = None  # none: the only one of this name
    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "Rollout"] | None = None


class Scale(Workload):
    """So many replicas, or so many more."""

    replicas: int | None = Field(None, ge=0, le=1000)
    by: int | None = Field(None, ge=-100, le=100)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.replicas is None) == (self.by is None):
            raise ValueError("give either replicas or by")
        return self


class Undo(Workload):
    """Back to a revision; the one before, where none is named."""

    revision: int | None = Field(None, ge=1)


class SetImage(Workload):
    """Another image."""

    image: str = Field(min_length=1, max_length=1000)
    container: str | None = None


class SetEnv(Workload):
    """Other settings in the environment. No secrets: they belong into a Secret."""

    env: dict[str, str] = Field(min_length=1)
    container: str | None = None


class SetArgs(Workload):
    """Other arguments of its program."""

    args: list[str]
    container: str | None = None


class ShiftWeight(_Options):
    """Where the traffic of a workload with a canary goes."""

    workload: str = Field(min_length=1, max_length=253)
    namespace: str | None = None
    to: Literal["stable", "canary"] | None = None
    weight: int | None = Field(None, ge=0, le=100)  # percent that go to the canary

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.to is None) == (self.weight is None):
            raise ValueError("give either to or weight")
        return self


class Pod(_Options):
    """A pod by name."""

    pod: str = Field(min_length=1, max_length=253)
    namespace: str | None = None


class DeletePod(Pod):
    """Without asking its budgets."""

    force: bool = False  # also where its node does not answer any more


class PatchHpa(Workload):
    """Other bounds of its autoscaler: absolute, or by so many."""

    least: int | None = Field(None, ge=1, le=1000)
    most: int | None = Field(None, ge=1, le=1000)
    least_by: int = 0
    most_by: int = 0


class Node(_Options):
    """A node by name."""

    node: str = Field(min_length=1, max_length=253)


class Taint(Node):
    """Keep pods away that do not tolerate it."""

    key: str = "andon.dev/unhealthy"
    value: str = "true"
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


ACTIONS = (
    ActionType("kubernetes.scale", "Set the number of replicas", Scale),
    ActionType("kubernetes.restart", "Make all pods anew, one after the other", Workload),
    ActionType("kubernetes.undo", "Go back to an earlier revision", Undo),
    ActionType("kubernetes.set_image", "Set the image", SetImage),
    ActionType("kubernetes.set_env", "Set variables of the environment", SetEnv),
    ActionType("kubernetes.set_args", "Set the arguments of its program", SetArgs),
    ActionType("kubernetes.patch_hpa", "Set the bounds of an autoscaler", PatchHpa),
    ActionType("kubernetes.shift_weight", "Move traffic to or from a canary", ShiftWeight),
    ActionType("kubernetes.evict", "Have a pod go elsewhere, as its budgets allow", Pod),
    ActionType("kubernetes.delete_pod", "Delete a pod that is stuck", DeletePod),
    ActionType("kubernetes.cordon", "Let no new pods onto a node", Node),
    ActionType("kubernetes.taint", "Keep pods off a node that do not tolerate a taint", Taint),
    ActionType("kubernetes.drain", "Move a node's pods elsewhere", Node),
)
OF_MODELS = ("model.fallback", "model.quarantine_feature", "model.retrain", "pipeline.pause")  # see model_actions.py


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """What can be done to a cluster."""
    return ACTIONS


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """A Kubernetes cluster that may be changed."""
    return [
        ActuatorType(
            "kubernetes", "A Kubernetes cluster that may be changed", KubernetesActuatorOptions, _open,
            (*(each.name for each in ACTIONS), *OF_MODELS), isolated=True,
            inside="andon_plugins._kubernetes_acts:open_acts", environment=ENVIRONMENT,
        )
    ]  # fmt: skip


def _open(name: str, options: KubernetesActuatorOptions) -> Any:
    from andon_plugins._kubernetes_acts import open_acts

    return open_acts(name, **options.model_dump())
