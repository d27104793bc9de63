"""Hosts by name: a resolver with its own hosts file, and a server that speaks TLS."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tasks.conftest import FeedServer


class Names:
    """A resolver that knows what a test tells it, and remembers what it was asked."""

    def __init__(self, **hosts: str) -> None:
        """Dots in names are written as underscores."""
        self.hosts = {name.replace("_", "."): text.split() for name, text in hosts.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.hosts:
            raise OSError(host)
        return self.hosts[host]


def named(url: str, host: str) -> str:
    """The URL of a server on loopback, by another name."""
    return url.replace("127.0.0.1", host)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of feed.example with its key, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "feed.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=feed.example"]
    command += ["-addext", "subjectAltName=DNS:feed.example", "-keyout", str(file), "-out", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    file.write_text(file.read_text() + done.stdout)
    return file


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    """A feed server that speaks TLS as feed.example and is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = FeedServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    inner: Callable[..., None] = server._server.finish_request

    def finish_request(request: object, address: object) -> None:
        try:
            secured = context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except OSError:
            return  # a client that does not trust us, or speaks no TLS
        with secured:
            inner(secured, address)

    server._server.finish_request = finish_request  # type: ignore[method-assign,assignment]
    server.url = server.url.replace("http://127.0.0.1", "https://feed.example")
    yield server
    server.stop()
