"""What a remedy says is held against what its action takes."""

from __future__ import annotations

import pytest

from console.errors import ConfigError, UsageError
from console.plugins import load_plugins
from console.remedy.actuator import checked


def test_what_an_action_does_not_take_is_refused_unless_it_takes_anything() -> None:
    plugins = load_plugins()
    asked = {"ask": "to be left alone", "client": "line-9"}
    assert checked("webhook.call", asked, plugins) == asked
    with pytest.raises(ConfigError, match="no option 'client'"):
        checked("kubernetes.cordon", {"node": "gpu-1", "client": "line-9"}, plugins)
    with pytest.raises(UsageError, match=r"no action 'kubernetes\.cordn'"):
        checked("kubernetes.cordn", {}, plugins)
