"""Answers that come slowly, from a server that sends a byte at a time."""

from __future__ import annotations

import socketserver
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from ipaddress import ip_address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter

from pwb_oauth import clock, deadline, transport
from pwb_oauth.deadline_adapter import DeadlineAdapter, in_place_of
from pwb_oauth.errors import DeadlineExceededError, TransportError
from pwb_oauth.sender import Nobody, Sender
from test_accounts import credential

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
BODY = b"Content-Length: 200\r\n\r\n" + b"x" * 200
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n" + b"2\r\nxx\r\n" * 100 + b"0\r\n\r\n"
UNTIL_CLOSED = b"Connection: close\r\n\r\n" + b"x" * 200


class Slow(socketserver.ThreadingTCPServer):
    """Sends a part of each answer at once, and then a byte every so many seconds."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, at_once, slowly, pause, context=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.at_once, self.slowly, self.pause = at_once, slowly, pause
        self.served = 0
        self.closing = threading.Event()
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = (
            f"http{'s' * (context is not None)}://127.0.0.1:{self.server_address[1]}/w/api.php"
        )

    def handle_error(self, *_):
        """Say nothing of clients that go away."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.server.served += 1
            with suppress(OSError):
                self.wfile.write(self.server.at_once)
                for byte in self.server.slowly:
                    if self.server.closing.wait(self.server.pause):
                        return
                    self.wfile.write(bytes([byte]))
            if b"close" in self.server.at_once + self.server.slowly:
                return


@contextmanager
def serving(at_once, slowly, pause=0.05, context=None):
    """Serve while the block lasts."""
    with Slow(at_once, slowly, pause, context) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.now()
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def get(server, **options):
    """Ask as an account does."""
    with requests.Session() as base:
        return Sender(credential()).send("GET", server.url, base=base, timeout=30, **options)


def took_too_long(ask):
    """Whether that is broken off long before the ten seconds that all of the answer takes."""
    began = time.monotonic()
    with deadline.within(0.4), pytest.raises(requests.RequestException):
        ask()
    return time.monotonic() - began < 4


class TestDeadlineAdapter:
    """What a sender sends by where there is a deadline."""

    @pytest.mark.parametrize("rest", [BODY, CHUNKED, UNTIL_CLOSED])
    def test_body_comes_slowly_it_is_broken_off(self, rest):
        """Each byte comes in time, but not all of them."""
        with serving(HEAD, rest) as server:
            assert took_too_long(lambda: get(server))

    def test_body_comes_slowly_to_nobody_it_is_broken_off(self):
        """What a visitor's block sends without a token."""
        with serving(HEAD, BODY) as server, requests.Session() as base:
            ask = partial(Nobody().request, "GET", server.url, base=base, timeout=30)
            assert took_too_long(ask)

    def test_headers_come_slowly_they_are_broken_off(self):
        """Before there is an answer at all."""
        with serving(b"", HEAD + b"X-Long: " + b"x" * 500) as server:
            assert took_too_long(lambda: get(server))

    def test_https_is_broken_off_too(self, certificate):
        """By the same means."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with serving(HEAD, BODY, context=context) as server:
            assert took_too_long(lambda: get(server, verify=str(certificate)))

    @pytest.mark.parametrize("rest", [BODY, CHUNKED])
    def test_answer_in_time_is_whole_and_the_connection_is_kept(self, rest):
        """What is left of the time is set anew for each answer."""
        with serving(HEAD + rest, b"") as server, requests.Session() as base:
            sender = Sender(credential())
            for _ in range(3):
                with deadline.within(5):
                    assert sender.send("GET", server.url, base=base).text == "x" * 200
            adapter = in_place_of(base.get_adapter(server.url))
            (pool,) = adapter.poolmanager.pools._container.values()
            assert (pool.num_requests, pool.num_connections, server.served) == (3, 1, 3)

    def test_nothing_has_to_end_nothing_is_broken_off(self):
        """As for every bot: by the adapter that is there."""
        with serving(HEAD, BODY, pause=0.002) as server, requests.Session() as base:
            assert Sender(credential()).send("GET", server.url, base=base).text == "x" * 200
            assert len(base.get_adapter(server.url).poolmanager.pools) == 1


class TestInPlaceOf:
    """``in_place_of``."""

    def test_settings_are_those_of_the_adapter(self):
        """It is made once."""
        adapter = HTTPAdapter(pool_connections=3, pool_maxsize=7, max_retries=2, pool_block=True)
        ours = in_place_of(adapter)
        assert isinstance(ours, DeadlineAdapter)
        assert in_place_of(adapter) is ours
        assert (ours._pool_connections, ours._pool_maxsize, ours._pool_block) == (3, 7, True)
        assert ours.max_retries.total == 2

    def test_adapter_of_somebodys_own_stays(self):
        """What it does is not known."""

        class Own(HTTPAdapter):
            pass

        own = Own()
        assert in_place_of(own) is own

    def test_proxies_pools_are_ours_too(self):
        """An https wiki may be reached by a proxy."""
        ours = in_place_of(HTTPAdapter())
        manager = ours.proxy_manager_for("http://127.0.0.1:9")
        assert manager.pool_classes_by_scheme == ours.poolmanager.pool_classes_by_scheme


class TestOAuthEndpoints:
    """``transport.send``, where a lock may be held meanwhile."""

    def test_answer_without_end_is_broken_off(self, monkeypatch):
        """After the time-outs together, without any deadline around it."""
        monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.2)
        monkeypatch.setattr(transport, "READ_TIMEOUT", 0.3)
        began = time.monotonic()
        with (
            serving(HEAD, BODY) as server,
            pytest.raises(TransportError, match=r"did not answer within 0\.3 seconds"),
        ):
            transport.send("GET", server.url, user_agent="me")
        assert time.monotonic() - began < 4

    def test_deadline_around_it_counts(self):
        """That of a web request."""
        with serving(HEAD, BODY) as server, deadline.within(0.3):
            began = time.monotonic()
            with pytest.raises(TransportError):
                transport.send("GET", server.url, user_agent="me")
            assert time.monotonic() - began < 4
            with pytest.raises(DeadlineExceededError):
                transport.send("GET", server.url, user_agent="me")
