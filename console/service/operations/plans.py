"""Operations on plans: made, looked at, approved, applied, taken back. Who acts is the socket's peer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from console.errors import UsageError
from console.model import PlanState
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.wire import dump

MOST_REASON = 1000  # characters


class Wanted(Arguments):
    """A remedy of a cause that an incident's playbooks named."""

    incident: str = ""
    run: str = ""  # a run by itself, in the place of an incident
    remedy: str
    cause: str | None = None  # none: the likeliest that has this remedy


class Which(Arguments):
    """Of which incident, and whether those that are over are wanted too."""

    incident: str | None = None
    all: bool = False


class One(Arguments):
    """A plan by id."""

    plan: str


class Said(One):
    """Why."""

    reason: str = Field("", max_length=MOST_REASON)


class Approved(Said):
    """The hash of what was seen, and how it is approved."""

    hash: str = Field(min_length=64, max_length=64)
    break_glass: bool = False
    signature: str = Field("", max_length=8000)


class ByPolicy(One):
    """Approved by the policy alone, and by which."""

    sha256: str = ""  # of the policy; empty: whichever there is


class Settled(Said):
    """What a person saw that it is."""

    state: Literal["applied", "failed", "rolled_back"]


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with plans."""
    remedying = house.remedying

    async def make(arguments: Wanted, peer: Peer) -> Any:
        return dump(
            await remedying.make(arguments.incident, arguments.remedy, arguments.cause, peer, run_id=arguments.run)
        )

    async def list_them(arguments: Which, _peer: Peer) -> Any:
        found = await remedying.list(everything=arguments.all, incident=arguments.incident)
        return [dump(each) for each in found]

    async def show(arguments: One, _peer: Peer) -> Any:
        return dump(await remedying.get(arguments.plan))

    async def explain(arguments: One, peer: Peer) -> Any:
        record, decision = await remedying.explain(arguments.plan, peer)
        return {"plan": dump(record), "decision": dump(decision)}

    async def approve(arguments: Approved, peer: Peer) -> Any:
        done = await remedying.approve(
            arguments.plan, arguments.hash, peer,
            reason=arguments.reason, is_break_glass=arguments.break_glass, signature=arguments.signature,
        )  # fmt: skip
        return dump(done)

    async def approve_by_policy(arguments: ByPolicy, peer: Peer) -> Any:
        return dump(await remedying.approve_by_policy(arguments.plan, peer.name, arguments.sha256))

    async def reject(arguments: Said, peer: Peer) -> Any:
        return dump(await remedying.reject(arguments.plan, peer, arguments.reason))

    async def cancel(arguments: One, peer: Peer) -> Any:
        return dump(await remedying.cancel(arguments.plan, peer))

    async def apply(arguments: One, peer: Peer) -> Any:
        return dump(await remedying.apply(arguments.plan, peer))

    async def take_back(arguments: One, peer: Peer) -> Any:
        return dump(await remedying.take_back(arguments.plan, peer))

    async def settle(arguments: Settled, peer: Peer) -> Any:
        if not arguments.reason.strip():
            raise UsageError("say how you know", "--reason 'the deployment has four replicas'")
        return dump(await remedying.settle(arguments.plan, PlanState(arguments.state), peer, arguments.reason))

    return (
        Operation("plan.make", Wanted, make),
        Operation("plan.list", Which, list_them),
        Operation("plan.show", One, show),
        Operation("plan.explain", One, explain),
        Operation("plan.approve", Approved, approve),
        Operation("plan.approve_by_policy", ByPolicy, approve_by_policy),
        Operation("plan.reject", Said, reject),
        Operation("plan.cancel", One, cancel),
        Operation("plan.apply", One, apply),
        Operation("plan.rollback", One, take_back),
        Operation("plan.settle", Settled, settle),
    )
