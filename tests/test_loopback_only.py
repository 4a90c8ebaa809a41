"""The tests reach nothing but this machine."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketConnectBlockedError

ELSEWHERE = ("192.0.2.1", 80)  # nobody's, RFC 5737


class TestLoopbackOnly:
    """The barrier stands in every test, not in the first alone."""

    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.filterwarnings("ignore:A test tried to use socket")
    def test_each_test_another_machine_is_out_of_reach(self, number):
        """pytest-socket takes its barrier down after each."""
        with socket.socket() as connection:
            connection.settimeout(0.1)
            with pytest.raises(SocketConnectBlockedError):
                connection.connect(ELSEWHERE)
