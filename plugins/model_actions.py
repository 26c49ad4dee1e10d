"""What can be done about a model wherever it is served: actions by name; actuators of several kinds do them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from console.plugins import ActionType, hookimpl


class Model(BaseModel):
    """Which model."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=253)


class Rollback(Model):
    """To a version; the one before, where none is named."""

    version: str | None = Field(None, min_length=1, max_length=253)


class Fallback(Model):
    """To another model; the actuator's own choice, where none is named."""

    to: str | None = Field(None, min_length=1, max_length=253)


class Feature(Model):
    """One of its inputs."""

    feature: str = Field(min_length=1, max_length=253)


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """What can be done about a model."""
    return [
        ActionType("model.rollback", "Put an earlier version of a model in production", Rollback),
        ActionType("model.fallback", "Have another model answer", Fallback),
        ActionType("model.retrain", "Train a model anew", Model),
        ActionType("model.quarantine_feature", "Have a model do without one of its inputs", Feature),
        ActionType("pipeline.pause", "Pause what feeds a model", Model),
    ]
