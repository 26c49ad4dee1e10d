"""The source kind `kubernetes`: what an API server knows of pods, rollouts, nodes and their GPUs.

Its client blocks and its credentials may start programs, so all of it runs in a child process; what is here is only
the offer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from console.plugins import SourceType, hookimpl
from console.sources.options import LocalPath

# What kubeconfigs, and the programs they name for getting a token, read of the environment.
ENVIRONMENT = ("KUBE", "AWS_", "AZURE_", "AAD_", "ARM_", "CLOUDSDK_", "GOOGLE_", "USE_GKE_", "HTTP_PROXY",
               "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_", "USER")  # fmt: skip


class KubernetesOptions(BaseModel):
    """Which cluster, and which part of it."""

    model_config = ConfigDict(extra="forbid")

    kubeconfig: LocalPath | None = None  # none: $KUBECONFIG, ~/.kube/config, or the pod that andon runs in
    context: str | None = None  # none: the one that is current there
    namespaces: list[str] = Field(default_factory=list)  # none: all
    model_label: list[str] = Field(default_factory=list)  # of pods, the first one that is there names the model
    timeout: float = Field(default=10.0, gt=0)  # of one answer, seconds


def _open(name: str, options: KubernetesOptions) -> Any:
    from andon_plugins._kubernetes_source import open_kubernetes

    return open_kubernetes(name, **options.model_dump())


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`kubernetes`, `kubernetes:CONTEXT`, or the path of a kubeconfig.

    >>> _from_url("kubernetes:prod")
    {'context': 'prod'}
    """
    kind, colon, context = url.partition(":")
    if kind == "kubernetes":
        return {"context": context} if colon and context else {}
    path = Path(url)
    is_kubeconfig = path.name.endswith("kubeconfig") or path.parent.name == ".kube" or path.suffix == ".kubeconfig"
    return {"kubeconfig": url} if "://" not in url and is_kubeconfig else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """A Kubernetes cluster."""
    return [
        SourceType(
            "kubernetes", "A Kubernetes cluster", KubernetesOptions, _open, isolated=True, from_url=_from_url,
            inside="andon_plugins._kubernetes_source:open_kubernetes", environment=ENVIRONMENT,
        )
    ]  # fmt: skip
