"""Who may connect, and where."""

import grp
import os
import socket
import sys
from pathlib import Path

import pytest

from console.errors import ConfigError, UsageError
from console.service import peer as peer_module
from console.service.address import address, listen
from console.service.peer import peer_of


def test_a_group_may_connect_but_not_look_into_the_folder(data: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    with listen(data / "andon.sock", group):
        assert (data / "andon.sock").stat().st_mode & 0o777 == 0o660
        assert (data / "andon.sock").stat().st_gid == os.getgid()
        assert data.stat().st_mode & 0o777 == 0o710


def test_a_group_that_is_none_is_a_config_error(data: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-group"):
        listen(data / "andon.sock", "no-such-group")


def test_a_place_where_no_socket_can_be_is_a_config_error(data: Path) -> None:
    (data / "andon.sock").mkdir()
    with pytest.raises(ConfigError, match="there can be no socket"):
        listen(data / "andon.sock")


def test_a_dead_daemons_socket_makes_room(data: Path) -> None:
    listen(data / "andon.sock").close()
    with listen(data / "andon.sock"):
        pass


def test_a_long_path_is_a_usage_error_where_there_is_no_way_round(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="too long"), address(data / ("x" * 120)):
        pass


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr(peer_module.pwd, "getpwuid", nobody)
    one, other = socket.socketpair()
    with one, other:
        assert peer_of(one).name == f"uid {os.getuid()}"


def test_macos_tells_the_peer_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            assert (level, option) == (0, 1)
            return peer_module._XUCRED.pack(0, os.getuid(), 1, *[0] * 16)[:size]

    monkeypatch.delattr(socket, "SO_PEERCRED", raising=False)
    seen = peer_of(Connection())  # type: ignore[arg-type]
    assert (seen.uid, seen.pid) == (os.getuid(), None)
