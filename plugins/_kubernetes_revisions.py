"""Going back to an earlier revision of a Deployment: a plan names it, and the digest by which it is known again.
What it says, which may be a secret of somebody's, stays in the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import KEY, Cluster
from andon_plugins._kubernetes_objects import (
    Fields,
    Ref,
    differences,
    digest,
    is_variable,
    ref_of,
    revision,
    rolling,
    said,
    shown,
)

from console.errors import ActRefused, SourceError, UsageError
from console.model import Draft

TEMPLATE = "/spec/template"
HASH = "pod-template-hash"  # the label that a controller adds


def undo(cluster: Cluster, options: Mapping[str, Any]) -> Draft:
    """The template of an earlier revision."""
    ref, live = cluster.workload(options)
    if ref["plural"] != "deployments":
        raise UsageError(f"{said(ref)} has no revisions that this can go back to", "set the image instead")
    revisions = sorted(cluster.replica_sets(live), key=revision)
    now, present = live["spec"]["template"], revision(live)
    wanted = options["revision"]
    able = [each for each in revisions if (revision(each) == wanted if wanted else revision(each) < present)]
    if not able:
        known = ", ".join(str(revision(each)) for each in revisions)
        raise UsageError(f"{said(ref)} has no revision to go back to", f"it has {known or 'none'}")
    expect = {"uid": live["metadata"]["uid"], "digests": {TEMPLATE: digest(now)},
              "key": (live["metadata"].get("annotations") or {}).get(KEY)}  # fmt: skip
    would = cluster.tried(ref, {TEMPLATE: _template(able[-1])}, expect)
    changes = tuple(differences(shown(live), shown(would), hides=is_variable))
    back = next((each for each in revisions if _template(each) == now), None)
    warnings = [f"back to revision {revision(able[-1])} of {present}"]
    if back is None:
        warnings.append("no revision of it says what is there now: it cannot be taken back")
    restore = None if back is None else {"ref": ref, "revision": _known(back)}
    return Draft(said(ref), {"ref": ref, "revision": _known(able[-1])}, expect, changes, restore, rolling(live),
                 tuple(warnings))  # fmt: skip


def fields_of(cluster: Cluster, known: Mapping[str, Any]) -> Fields:
    """What a revision sets. ActRefused where it is gone, is another one by now, or cannot be seen."""
    ref: Ref = known["ref"]
    try:
        found = cluster.list(ref["api"], ref["plural"], ref["namespace"], fieldSelector=f"metadata.name={ref['name']}")
    except SourceError as error:  # nothing was written yet
        raise ActRefused(error.message, error.hint) from None
    if not found:
        raise ActRefused(f"{said(ref)} is not there any more", "make a new plan")
    template = _template(found[0])
    if digest(template) != known["digest"]:
        raise ActRefused(f"{said(ref)} is another one by now", "make a new plan")
    return {TEMPLATE: template}


def _known(replica_set: Mapping[str, Any]) -> dict[str, Any]:
    ref = ref_of(replica_set, "apps/v1", "replicasets")
    return {"ref": ref, "number": revision(replica_set), "digest": digest(_template(replica_set))}


def _template(replica_set: Mapping[str, Any]) -> dict[str, Any]:
    """As its Deployment has it."""
    template = replica_set["spec"]["template"]
    meta = template["metadata"]
    labels = {name: told for name, told in (meta.get("labels") or {}).items() if name != HASH}
    return {**template, "metadata": {**meta, "labels": labels}}
