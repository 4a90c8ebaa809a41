"""Connections whose answers end before the deadline, however slowly they come.

A time-out of requests is for each read from the network: an answer that comes a byte at a time, or
header by header, outlasts any.
"""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from pwb_oauth import deadline
from pwb_oauth.errors import DeadlineExceededError

if TYPE_CHECKING:
    import socket

    from requests.adapters import BaseAdapter


class DeadlineAdapter(HTTPAdapter):
    """Sends as its base class does, and reads no longer than :mod:`pwb_oauth.deadline` allows."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of connections to a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_twins: WeakKeyDictionary[BaseAdapter, DeadlineAdapter] = WeakKeyDictionary()


def in_place_of(adapter: BaseAdapter) -> BaseAdapter:
    """What to send by where there is a deadline: an adapter with the same settings.

    One that somebody has built otherwise stays, with a time-out for each read.
    """
    if type(adapter) is not HTTPAdapter:
        return adapter
    twin = _twins.get(adapter)
    if twin is None:
        twin = DeadlineAdapter()
        twin.__setstate__(adapter.__getstate__())  # type: ignore[attr-defined]
        twin = _twins.setdefault(adapter, twin)
    return twin


class _TimedReader(io.RawIOBase):
    """What comes from a socket, each read of which has the time that is left."""

    def __init__(self, sock: socket.socket, incoming: io.RawIOBase) -> None:
        self._sock = sock
        self._incoming = incoming
        self._seconds = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        try:
            self._sock.settimeout(deadline.limited(self._seconds))
        except DeadlineExceededError:
            raise TimeoutError from None  # which urllib3 knows
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
