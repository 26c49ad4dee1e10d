"""Objects of a cluster as JSON: where they lie, how an operator names them, what differs, how much a change touches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

import orjson

from console.errors import ActRefused, UsageError
from console.model import Blast, Change
from console.sources.redact import KEY_LIKE, MASK, SECRET_NAME, SECRET_PAIR, USERINFO_WITHIN

NOT_SHOWN = ("managedFields", "generation", "resourceVersion", "annotations", "creationTimestamp", "uid")

Ref = dict[str, str]  # api, plural, namespace, name; sub: the part of it that has a path of its own
Hides = Callable[[Mapping[str, Any]], bool]  # whether the value of such a variable is not shown
Fields = dict[str, Any]  # path -> value; None: not there. A path is a JSON pointer (RFC 6901) that may go by names
NAMED = "name="  # how a step begins that goes by one: /spec/template/spec/containers/name=server/image


def ref_of(live: Mapping[str, Any], api: str, plural: str) -> Ref:
    """Where an object lies."""
    meta = live["metadata"]
    return {"api": api, "plural": plural, "namespace": meta.get("namespace", ""), "name": meta["name"]}


def path_of(ref: Ref) -> str:
    """The path of an object, or of a kind where it has no name.

    Names come out of alerts: one that ends in # or ? would cut off the query, and make a dry run a real one.
    """
    root = f"/api/{ref['api']}" if "/" not in ref["api"] else f"/apis/{ref['api']}"
    namespace = f"/namespaces/{quote(ref['namespace'], safe='')}" if ref["namespace"] else ""
    return f"{root}{namespace}/{ref['plural']}" + (f"/{quote(ref['name'], safe='')}" if ref["name"] else "")


def said(ref: Ref) -> str:
    """As an operator names it: deployment prod/ranker."""
    where = f"{ref['namespace']}/" if ref["namespace"] else ""
    return f"{ref['plural'].removesuffix('s')} {where}{ref['name']}"


def named(name: str) -> str:
    """The step of a path that leads to the item of a list that is called so."""
    return f"{NAMED}{_escaped(name)}"


def at(tree: Any, path: str) -> Any:
    """What stands at a path; None where nothing does.

    >>> at({"env": [{"name": "MODE", "value": "fast"}]}, "/env/name=MODE/value")
    'fast'
    """
    for step in _steps(path):
        if isinstance(tree, list):
            place = _place(tree, step)
            tree = None if place is None else tree[place]
        else:
            tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def setting(live: Mapping[str, Any], path: str, value: Any) -> list[dict[str, Any]]:
    """The operations that hold a path to what it is and give it a value; parents that are not there are made.

    ActRefused where that would make an item of a list in passing: whoever had that name is gone.
    """
    tree: Any = live
    pointer = ""
    held: list[dict[str, Any]] = []
    steps = _steps(path)
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        if isinstance(tree, list):
            place = _place(tree, step)
            if place is None and following:
                raise ActRefused(f"there is no {step.removeprefix(NAMED)} any more", "make a new plan")
            pointer += "/-" if place is None else f"/{place}"
            if step.startswith(NAMED) and place is not None:
                held.append({"op": "test", "path": f"{pointer}/name", "value": tree[place]["name"]})
        else:
            pointer += f"/{_escaped(step)}"
        tree = at(tree, f"/{_escaped(step)}")
        if tree is None and following:
            tree = [] if following.startswith(NAMED) else {}
            held.append({"op": "add", "path": pointer, "value": tree})
    if tree is None:
        return [] if value is None else [*held, {"op": "add", "path": pointer, "value": value}]
    held.append({"op": "test", "path": pointer, "value": tree})
    change = {"op": "remove", "path": pointer} if value is None else {"op": "replace", "path": pointer, "value": value}
    return [*held, change]


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _place(items: Sequence[Any], step: str) -> int | None:
    """Which item of a list a step leads to; None for one that is not there."""
    if step.startswith(NAMED):
        return next((place for place, each in enumerate(items) if each.get("name") == step[len(NAMED) :]), None)
    return int(step) if int(step) < len(items) else None


def digest(value: Any) -> str:
    """What a value can be known by again, without keeping it."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def shown(live: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is worth comparing: all that is asked for, nothing that the server counts for itself."""
    meta = {name: told for name, told in live["metadata"].items() if name not in NOT_SHOWN}
    rest = ("apiVersion", "kind", "metadata", "status")  # what is listed does not say its kind
    return {"metadata": meta, **{name: told for name, told in live.items() if name not in rest}}


def differences(before: Any, after: Any, path: str = "", *, hides: Hides) -> Iterator[Change]:
    """Each field that differs, as deep as it goes; what may be a secret is masked, as is what `hides` tells."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        if before != after and hides({**before, **after}):
            yield Change(path, MASK, f"{MASK}, another")
            return
        for name in dict.fromkeys((*before, *after)):
            own = f"{path}.{name}" if path else str(name)
            one, other = before.get(name), after.get(name)
            if one != other and path.endswith("annotations") and SECRET_NAME.search(str(name)):
                yield Change(own, MASK, f"{MASK}, another")
            else:
                yield from differences(one, other, own, hides=hides)
    elif isinstance(before, list) and isinstance(after, list) and (names := _names(before, after)) is not None:
        for name in names:
            one, other = (at(each, f"/{named(name)}") for each in (before, after))
            yield from differences(one, other, f"{path}[{name}]", hides=hides)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            if one != other and index and any(_is_secret_option(each[index - 1]) for each in (before, after)):
                yield Change(f"{path}[{index}]", MASK, f"{MASK}, another")
            else:
                yield from differences(one, other, f"{path}[{index}]", hides=hides)
    elif before != after:
        yield Change(path, _masked(before, hides), _masked(after, hides))


def _names(*lists: Sequence[Any]) -> list[str] | None:
    """What the items of lists are called; None where some have no name, or one that others have too."""
    if not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for items in lists for each in items):
        return None
    names = [[each["name"] for each in items] for items in lists]
    return list(dict.fromkeys(chain(*names))) if all(len({*each}) == len(each) for each in names) else None


def holds_secret(value: Any) -> bool:
    """Whether a value says, or seems to say, what nobody should read."""
    return bool(_masked(value, is_secret) != value)


def _masked(value: Any, hides: Hides) -> Any:
    """A value that came or went, without what may be a secret: the value of a variable, or of something in it."""
    if isinstance(value, list):
        pairs = zip(value, (None, *value), strict=False)
        return [MASK if _is_secret_option(before) else _masked(each, hides) for each, before in pairs]
    if isinstance(value, str):
        return KEY_LIKE.sub(MASK, SECRET_PAIR.sub(rf"\1{MASK}", USERINFO_WITHIN.sub(f"{MASK}@", value)))
    if not isinstance(value, Mapping):
        return value
    return {**value, "value": MASK} if hides(value) else {name: _masked(told, hides) for name, told in value.items()}


def is_variable(item: Mapping[str, Any]) -> bool:
    """Whether it is one of an environment, or like one: a name and its value."""
    return "name" in item and "value" in item


def is_secret(item: Mapping[str, Any]) -> bool:
    """Whether it is a variable whose name says that nobody should read it."""
    return "value" in item and SECRET_NAME.search(str(item.get("name", ""))) is not None


def _is_secret_option(argument: Any) -> bool:
    """Whether what follows this argument of a program is a secret: --api-key hunter2."""
    is_option = isinstance(argument, str) and argument.startswith("-") and "=" not in argument
    return is_option and SECRET_NAME.search(argument) is not None


def rolling(live: Mapping[str, Any]) -> Blast:
    """All pods of a workload are made anew, as many at once as its strategy lets be away."""
    replicas = int(live["spec"].get("replicas", 1))
    strategy = live["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Blast(replicas, 1.0, f"all {replicas} pods stop, then new ones start")
    most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    away = replicas * int(most[:-1]) // 100 if isinstance(most, str) else int(most)
    share = min(away / replicas, 1.0) if replicas else 0.0
    return Blast(replicas, share, f"{replicas} pods are made anew, {away} away at once")


def container_of(live: Mapping[str, Any], name: str | None) -> tuple[str, dict[str, Any]]:
    """(path, the container) of a workload's template; UsageError where the choice is open."""
    containers = live["spec"]["template"]["spec"]["containers"]
    for each in containers:
        if each["name"] == name or (name is None and len(containers) == 1):
            return f"/spec/template/spec/containers/{named(each['name'])}", each
    names = ", ".join(each["name"] for each in containers)
    raise UsageError(f"which container? There are {names}", "give it in the remedy: with: {container: …}")


def revision(item: Mapping[str, Any]) -> int:
    """Of a rollout; 0 where it does not say."""
    told = (item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(told) if told.isdecimal() else 0


def stays(pod: Mapping[str, Any]) -> bool:
    """Whether a drain leaves it: of a DaemonSet, the kubelet's own, or done."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
    is_mirror = "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})
    return "DaemonSet" in owners or is_mirror or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
