"""A connection to one checked address of a host, cut when its time is over."""

import functools
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import certifi


class Connection(http.client.HTTPConnection):
    """Speaks HTTP or TLS with the first address that answers; the name stays the host's.

    The Host header, TLS server name and the certificate's check use the name. The name is never
    looked up here, so an address that was checked is the address that is used.
    """

    def __init__(
        self, scheme: str, host: str, port: int, addresses: Sequence[str], read_seconds: float
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            scheme: `http` or `https`.
            host: Name or address without brackets.
            port: TCP port.
            addresses: The checked addresses, to be tried in order.
            read_seconds: Longest silence.
        """
        super().__init__(host, port, timeout=read_seconds)
        self.default_port = 443 if scheme == "https" else 80
        self._context = tls_context() if scheme == "https" else None
        self._addresses = addresses
        self._handle: socket.socket | None = None  # of the same connection, for the other thread
        self.is_cut = False
        self.connect_by = (0.0, 0.0)

    def connect(self) -> None:
        """Connect to the first address that answers.

        Raises:
            OSError: If none does, or the certificate is not the host's.
        """
        raw = self._dial()
        if self._handle is not None:
            self._handle.close()
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(self.timeout)
        self._handle = raw.dup()
        self._handle.settimeout(0)
        self.sock = raw
        if self.is_cut:
            raise TimeoutError("no time is left")
        if self._context is not None:
            self.sock = self._context.wrap_socket(raw, server_hostname=self.host)

    def drop(self) -> None:
        """Let the connection go; `close` is what http.client does while a body still comes."""
        self.close()
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    @property
    def is_idle(self) -> bool:
        """Whether the connection is open and the host has said nothing that nobody asked for."""
        if self.sock is None or self._handle is None or self.is_cut:
            return False
        try:
            self._handle.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextmanager
    def limited(self, deadline: float, connect_seconds: float) -> Iterator[None]:
        """Whatever happens on the connection ends at a moment, also when bytes drip in.

        Args:
            deadline: On `time.monotonic`.
            connect_seconds: Longest wait for one address to answer.
        """
        self.connect_by = (deadline, connect_seconds)
        watch = threading.Timer(max(deadline - time.monotonic(), 0), self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _cut(self) -> None:
        self.is_cut = True
        handle = self._handle
        if handle is not None:
            with suppress(OSError):  # closed in this very moment
                handle.shutdown(socket.SHUT_RDWR)

    def _dial(self) -> socket.socket:
        deadline, most = self.connect_by
        failure = OSError("the host has no address")
        for address in self._addresses:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no time is left")
            try:
                return socket.create_connection((address, self.port), min(most, left))
            except OSError as error:
                failure = error
        raise failure


@functools.cache
def tls_context() -> ssl.SSLContext:
    """What certificates are checked against: SSL_CERT_FILE, else the bundle of certifi."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())
