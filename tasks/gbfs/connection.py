"""`requests` over connections to checked addresses of a host, cut when their time is over."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

PORTS = {"http": 80, "https": 443}
"""The port of a URL that names none."""

for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    # they log paths and queries, and a query may hold a key
    logging.getLogger(f"urllib3.{_name}").setLevel(logging.CRITICAL + 1)


class Line:
    """The way to one host: its checked addresses, and a connection to one of them.

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
        self.origin = (scheme, host, port)
        self.timeouts = (read_seconds, read_seconds)  # connecting has its own, see `limited`
        self.pool = _POOLS[scheme](host, port, maxsize=1, line=self)
        self.is_cut = False
        self._addresses = addresses
        self._connection: HTTPConnection | None = None
        self._handle: socket.socket | None = None  # of its socket, for the other thread
        self._connect_by = (0.0, 0.0)

    def dial(self, connection: HTTPConnection) -> socket.socket:
        """A socket to the first address that answers, for the pool's connection.

        Raises:
            ConnectTimeoutError: If time runs out; its subclass NewConnectionError otherwise.
        """
        self.drop()
        try:
            raw = self._first()
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, "no time is left") from error
        except OSError as error:
            raise NewConnectionError(connection, "no address answers") from error
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(self.timeouts[1])
        self._connection, self._handle = connection, raw.dup()
        self._handle.settimeout(0)
        if self.is_cut:
            raw.close()
            raise ConnectTimeoutError(connection, "no time is left")
        return raw

    def drop(self) -> None:
        """Let the connection go; the next request opens another, to the same addresses."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that its host means to keep."""
        return self._connection is not None and not self._connection.is_closed

    @property
    def is_idle(self) -> bool:
        """Whether the connection is open and the host has said nothing that nobody asked for."""
        if not self.is_open or self._handle is None or self.is_cut:
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
        self._connect_by = (deadline, connect_seconds)
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

    def _first(self) -> socket.socket:
        deadline, most = self._connect_by
        port = self.origin[2]
        failure = OSError("the host has no address")
        for address in self._addresses:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no time is left")
            try:
                return socket.create_connection((address, port), min(most, left))
            except OSError as error:
                failure = error
        raise failure


class LineSession(requests.Session):
    """Sends each request on the line that it is given; nothing else has a say in it.

    No proxy, no .netrc and no cookie is used, and no redirect is followed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = os.environ.get("SSL_CERT_FILE") or True
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._adapter = _LineAdapter()
        self.mount("http://", self._adapter)
        self.mount("https://", self._adapter)

    def ask(self, line: Line, target: str, headers: Mapping[str, str]) -> requests.Response:
        """One GET; the body is still to be read.

        Args:
            line: To the host.
            target: Path and query.
            headers: More headers.

        Raises:
            requests.RequestException: If there is no answer.
        """
        scheme, host, port = line.origin
        authority = f"[{host}]" if ":" in host else host
        if port != PORTS[scheme]:
            authority += f":{port}"
        self._adapter.line = line
        return self.get(
            f"{scheme}://{authority}{target}",
            headers=headers,
            timeout=line.timeouts,
            allow_redirects=False,
            stream=True,
        )

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: `requests` would read all of a redirect's body to find the next request."""
        return None


class _LineAdapter(HTTPAdapter):
    """Takes the connections of the line that was set, and only for the line's host."""

    line: Line | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: Any, **__: Any
    ) -> HTTPConnectionPool:
        parts = urlsplit(request.url or "")
        origin = (parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme))
        if self.line is None or origin != self.line.origin:
            raise requests.exceptions.InvalidURL("not the host that was checked")
        return self.line.pool


class _Connection(HTTPConnection):
    """Has its socket from a line."""

    def __init__(self, *args: Any, line: Line, **more: Any) -> None:
        super().__init__(*args, **more)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.dial(self)


class _TLSConnection(_Connection, HTTPSConnection):
    """The same, and TLS over it."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
