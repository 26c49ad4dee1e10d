"""The wall's time, or a file's."""

from pathlib import Path

import pytest

from console.clock import clock_of, wall_clock
from console.errors import ConfigError


def test_a_file_tells_the_time_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    path.write_text("1800000000.5\n")
    clock = clock_of(path)
    assert clock() == 1800000000.5
    path.write_text("1800000015.5")
    assert clock() == 1800000015.5
    assert clock_of(None) is wall_clock


@pytest.mark.parametrize("text", ["", "noon", "nan", "inf", "1e300", "-5"])
def test_a_file_without_a_time_is_a_config_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clock"
    with pytest.raises(ConfigError):
        clock_of(path)()
    path.write_text(text)
    with pytest.raises(ConfigError):
        clock_of(path)()
