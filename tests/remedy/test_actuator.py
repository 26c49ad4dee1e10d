"""What a remedy says is held against what its action takes."""

from __future__ import annotations

import pytest

from console.config import ActuatorConfig
from console.errors import ConfigError, UsageError
from console.plugins import load_plugins
from console.remedy.actuator import actuator_for, checked


def test_what_an_action_does_not_take_is_refused_unless_it_takes_anything() -> None:
    plugins = load_plugins()
    asked = {"ask": "to be left alone", "client": "line-9"}
    assert checked("webhook.call", asked, plugins) == asked
    with pytest.raises(ConfigError, match="no option 'client'"):
        checked("kubernetes.cordon", {"node": "gpu-1", "client": "line-9"}, plugins)
    with pytest.raises(UsageError, match=r"no action 'kubernetes\.cordn'"):
        checked("kubernetes.cordn", {}, plugins)


def test_an_actuator_does_what_its_kind_does_and_its_table_says() -> None:
    plugins = load_plugins()
    cluster, hook = ActuatorConfig("prod", "kubernetes"), ActuatorConfig("ops", "webhook")
    assert actuator_for("kubernetes.scale", None, [cluster, hook], plugins) is cluster
    with pytest.raises(UsageError, match=r"2 actuators do model\.retrain"):
        actuator_for("model.retrain", None, [cluster, hook], plugins)
    assert actuator_for("model.retrain", "ops", [cluster, hook], plugins) is hook
    narrow = ActuatorConfig("prod", "kubernetes", only=("kubernetes.*",))
    assert actuator_for("model.retrain", None, [narrow, hook], plugins) is hook
    with pytest.raises(UsageError, match=r"nothing is configured that does model\.retrain"):
        actuator_for("model.retrain", None, [narrow], plugins)
