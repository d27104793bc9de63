import datetime as dt
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tasks.gbfs.client import Client, Limits, Validators, environment_values
from tasks.schema.polls import OUTCOMES
from tests.tasks.conftest import FeedServer, Reply, Request, gzipped

QUICK = Limits(
    connect_seconds=1,
    read_seconds=0.2,
    total_seconds=0.4,
    wire_bytes=20_000,
    decoded_bytes=50_000,
)
BODY = b'{"data": {"bikes": []}}' * 50
NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def client(feed_server: FeedServer) -> Iterator[Client]:
    client = Client(feed_server.url, limits=QUICK)
    yield client
    client.close()


def test_a_good_answer(feed_server: FeedServer, client: Client) -> None:
    url = feed_server.serve("/a", Reply(BODY, headers={"ETag": '"1"'}, date=NOON))
    answer = client.get(url)
    assert (answer.outcome, answer.status, answer.body) == ("ok", 200, BODY)
    assert (answer.validators.etag, answer.date, answer.url) == ('"1"', NOON, url)
    assert 0 <= answer.latency_ms < 5000


@pytest.mark.parametrize(
    ("validators", "headers"),
    [
        (Validators('W/"1"'), {"If-None-Match": 'W/"1"'}),
        (Validators(None, "Wed, 20 May"), {"If-Modified-Since": "Wed, 20 May"}),
        (Validators('"1"', "x"), {"If-None-Match": '"1"', "If-Modified-Since": "x"}),
    ],
)
def test_validators_make_the_request_conditional(
    feed_server: FeedServer, client: Client, validators: Validators, headers: dict[str, str]
) -> None:
    url = feed_server.serve("/a", Reply(status=304, date=NOON))
    answer = client.get(url, validators)
    assert (answer.outcome, answer.validators, answer.date) == ("not_modified", validators, NOON)
    assert headers.items() <= feed_server.requests[-1].headers.items()
    # nobody asked: there is nothing that it could be unchanged from
    assert client.get(url).outcome == "http_error"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(BODY, 404), "http_error"),
        (Reply(BODY, 500), "http_error"),
        (Reply(b"", 204), "http_error"),
        (Reply(BODY, 410), "ended"),
        (Reply(b"x" * 20_001), "too_large"),
        (gzipped(b"x" * 50_001), "too_large"),
        (Reply(gzip.compress(BODY)[:-9], headers={"Content-Encoding": "gzip"}), "bad_encoding"),
        (Reply(BODY, headers={"Content-Encoding": "gzip"}), "bad_encoding"),
        (Reply(b"", headers={"Content-Encoding": "gzip"}), "bad_encoding"),
        (Reply(BODY, headers={"Content-Encoding": "br"}), "bad_encoding"),
        (Reply(zlib.compress(BODY), headers={"Content-Encoding": "deflate"}), "bad_encoding"),
        (Reply(BODY, length=len(BODY) + 1), "bad_encoding"),
    ],
)
def test_every_failure_is_an_outcome(
    feed_server: FeedServer, client: Client, reply: Reply, outcome: str
) -> None:
    answer = client.get(feed_server.serve("/a", reply))
    assert (answer.outcome, answer.status, answer.body) == (outcome, reply.status, b"")
    assert outcome in OUTCOMES


@pytest.mark.parametrize("cut", range(0, 53, 4))
def test_gzip_cut_anywhere_is_told(feed_server: FeedServer, client: Client, cut: int) -> None:
    whole = gzip.compress(BODY)
    assert len(whole) > 52
    url = feed_server.serve("/a", Reply(whole[:cut], headers={"Content-Encoding": "gzip"}))
    assert client.get(url).outcome == "bad_encoding"


def test_gzip_is_read_also_in_several_members_and_unannounced(
    feed_server: FeedServer, client: Client
) -> None:
    body = gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])
    assert client.get(feed_server.serve("/a", Reply(body))).body == BODY


def test_a_gzip_bomb_is_never_unpacked(feed_server: FeedServer) -> None:
    bomb = gzip.compress(bytes(200 << 20))
    client = Client(feed_server.url, limits=Limits(decoded_bytes=1 << 20))
    url = feed_server.serve("/a", Reply(bomb, headers={"Content-Encoding": "gzip"}))
    begun = time.process_time()
    assert client.get(url).outcome == "too_large"
    assert time.process_time() - begun < 0.2
    client.close()


@pytest.mark.parametrize(("size", "outcome"), [(1 << 20, "ok"), (3 << 20, "too_large")])
def test_a_body_that_grows_too_much_is_refused_below_the_cap_too(
    feed_server: FeedServer, size: int, outcome: str
) -> None:
    packed = gzip.compress(bytes(size))
    assert size > 900 * len(packed)
    client = Client(feed_server.url)  # its cap is 64 MiB
    url = feed_server.serve("/a", Reply(packed, headers={"Content-Encoding": "gzip"}))
    assert client.get(url).outcome == outcome
    client.close()


def test_nobody_there(client: Client) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert client.get(f"http://127.0.0.1:{port}/").outcome == "unreachable"
    assert client.get("http://no-such-host.invalid/").outcome == "unreachable"
    assert client.get("http://" + "a" * 70 + ".example/").outcome == "unreachable"


RawServer = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    """Starts servers that do with a connection whatever a test likes."""
    opened: list[tuple[socket.socket, threading.Thread]] = []

    def start(treat: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                with suppress(OSError):  # when the client has had enough
                    treat(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        opened.append((listener, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for listener, thread in opened:
        thread.join()
        listener.close()


def _silence(connection: socket.socket) -> None:
    time.sleep(0.4)


def _silence_in_the_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    time.sleep(0.4)


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


def _no_http(connection: socket.socket) -> None:
    connection.sendall(b"220 ftp.example.org ready\r\n")


def _hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _bad_chunk(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")


def _cut_chunk(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")


@pytest.mark.parametrize(
    ("treat", "outcome"),
    [
        (_silence, "timeout"),
        (_silence_in_the_body, "timeout"),
        (_drip, "timeout"),
        (_no_http, "unreachable"),
        (_hang_up, "unreachable"),
        (_bad_chunk, "bad_encoding"),
        (_cut_chunk, "bad_encoding"),
    ],
)
def test_servers_that_misbehave(
    client: Client,
    raw_server: RawServer,
    treat: Callable[[socket.socket], None],
    outcome: str,
) -> None:
    begun = time.monotonic()
    assert client.get(raw_server(treat)).outcome == outcome
    assert time.monotonic() - begun < 1


def test_redirects_are_followed_three_times(feed_server: FeedServer, client: Client) -> None:
    feed_server.serve("/0", BODY)
    for step in range(1, 5):
        feed_server.serve(f"/{step}", Reply(status=302, headers={"Location": f"/{step - 1}"}))
    assert client.get(feed_server.url + "/3").body == BODY
    assert client.get(feed_server.url + "/3").url == feed_server.url + "/0"
    answer = client.get(feed_server.url + "/4")
    assert (answer.outcome, answer.status) == ("http_error", 302)


def test_all_redirects_together_have_the_time_of_one_answer(
    feed_server: FeedServer, client: Client
) -> None:
    def slow(request: Request) -> Reply:
        time.sleep(0.15)  # three times that is too long, once is not
        step = int(request.path[1:])
        return Reply(BODY) if step == 2 else Reply(b"", 302, {"Location": f"/{step + 1}"})

    for step in range(3):
        feed_server.serve(f"/{step}", slow)
    answer = client.get(feed_server.url + "/0")
    assert (answer.outcome, len(feed_server.requests)) == ("timeout", 3)
    assert client.get(feed_server.url + "/2").outcome == "ok"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://192.0.2.1/", "//example.org/"])
def test_a_redirect_does_not_leave_http_nor_this_machine(
    feed_server: FeedServer, client: Client, target: str
) -> None:
    feed_server.serve("/a", Reply(status=301, headers={"Location": target}))
    assert client.get(feed_server.url + "/a").outcome == "http_error"


@pytest.mark.parametrize("target", ["http://[", "//[x", "http://a.example:99999/", ""])
def test_a_redirect_to_nonsense_is_an_answer(
    feed_server: FeedServer, client: Client, target: str
) -> None:
    feed_server.serve("/a", Reply(status=302, headers={"Location": target}))
    answer = client.get(feed_server.url + "/a")
    assert (answer.outcome, answer.status) == ("http_error", 302)
    assert len(feed_server.requests) == 1


def test_credentials_go_to_the_regions_host_only(feed_server: FeedServer) -> None:
    other = FeedServer()
    try:
        target = other.serve("/b", BODY)
        feed_server.serve("/a", Reply(status=302, headers={"Location": target}))
        client = Client(feed_server.url, {"X-Key": "s3cret"}, QUICK)
        assert client.get(feed_server.url + "/a").body == BODY
        client.close()
        assert feed_server.requests[-1].headers["X-Key"] == "s3cret"
        assert "X-Key" not in other.requests[-1].headers
    finally:
        other.stop()


def test_headers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEED_KEY", "abc")
    assert environment_values({"X-Key": "FEED_KEY"}) == {"X-Key": "abc"}
    with pytest.raises(KeyError, match="OTHER"):
        environment_values({"X-Key": "OTHER"})
    monkeypatch.setenv("FEED_KEY", "abc\r\nX-Evil: 1")
    with pytest.raises(ValueError, match="FEED_KEY"):
        environment_values({"X-Key": "FEED_KEY"})
