"""Contract on the network: a test reaches this machine and no other."""

import socket
import urllib.request

import pytest

from tests.conftest import NetworkBlocked, is_local


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connections_beyond_this_machine_are_refused(method: str) -> None:
    with socket.socket() as sock, pytest.raises(NetworkBlocked, match=r"connect to 192\.0\.2\.1"):
        getattr(sock, method)(("192.0.2.1", 80))


def test_names_of_other_machines_are_not_looked_up() -> None:
    with pytest.raises(NetworkBlocked, match=r"look up 'example\.org'"):
        urllib.request.urlopen("http://example.org/", timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            assert client.getpeername() == server.getsockname()


def test_is_local_knows_the_loopback_addresses_only() -> None:
    local = ["127.0.0.1", "127.8.9.1", "::1", "localhost", None, ""]
    assert [is_local(host) for host in local] == [True] * len(local)
    away = ["10.0.0.1", "0.0.0.0", "localhost.example.org", "::2"]
    assert [is_local(host) for host in away] == [False] * len(away)
