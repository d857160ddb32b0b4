"""Every test runs without the network, without a clock, and with the same random numbers."""

import ipaddress
import os
import random
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

# The same examples on every machine, and no deadline: a busy machine is not a failure.
settings.register_profile("book", deadline=None, derandomize=True, database=None)
settings.load_profile("book")

# Triton compiles kernels for a GPU; without one its interpreter runs them. It reads this variable
# when it is first imported, and almost any test may import it.
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


def is_local(host: object) -> bool:
    """Whether a socket address or host name stays on this machine."""
    if host in (None, "", b"", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guard(sock: socket.socket, address: object) -> None:
    internet = sock.family in (socket.AF_INET, socket.AF_INET6)
    if internet and not is_local(address[0]):
        raise NetworkBlocked(f"a test tried to connect to {address[0]}; only this machine is open")


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Seed the global generators: what a test draws depends on no other test and no worker."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections and look-ups beyond 127.0.0.1 with NetworkBlocked."""

    def connect(sock: socket.socket, address: object) -> None:
        _guard(sock, address)
        return _connect(sock, address)

    def connect_ex(sock: socket.socket, address: object) -> int:
        _guard(sock, address)
        return _connect_ex(sock, address)

    def getaddrinfo(host: object, *args: object, **kwargs: object) -> list:
        if not is_local(host):
            raise NetworkBlocked(f"a test tried to look up {host!r}; only this machine is open")
        return _getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
