import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tasks.gbfs.client import Answer, Client, Limits, Validators
from tasks.gbfs.connection import Line, LineSession
from tests.tasks.conftest import FeedServer, Reply
from tests.tasks.gbfs.conftest import Names, named

QUICK = Limits(connect_seconds=1, read_seconds=0.3, total_seconds=0.5)
BODY = b'{"data": {"bikes": []}}'
LOOPBACK = Names(feed_example="127.0.0.1", other_example="127.0.0.1", public_example="8.8.8.8")


def client(url: str, names: Names, *allow: str, **more: object) -> Client:
    return Client(url, limits=QUICK, resolve=names, allow_hosts=allow, **more)  # type: ignore[arg-type]


def ask(url: str, names: Names, *allow: str, **more: object) -> Answer:
    asking = client(url, names, *allow, **more)
    try:
        return asking.get(url)
    finally:
        asking.close()


def test_tls_checks_the_name_on_the_checked_address(tls_server: FeedServer) -> None:
    url = tls_server.serve("/a", BODY)
    assert ask(url, LOOPBACK, "feed.example").body == BODY
    assert tls_server.requests[-1].headers["Host"] == url.split("/")[2]
    # the same address by a name that is not in the certificate
    other = url.replace("feed.example", "other.example")
    assert ask(other, LOOPBACK, "other.example").outcome == "unreachable"
    assert len(tls_server.requests) == 1


def test_a_name_is_looked_up_once_and_only_the_checked_address_is_used(
    feed_server: FeedServer,
) -> None:
    """A host that changes its address between check and use (DNS rebinding) gains nothing."""
    names = Names(feed_example="127.0.0.1")
    asking = client(named(feed_server.url, "feed.example"), names, "feed.example")
    url = named(feed_server.serve("/a", BODY), "feed.example")
    assert asking.get(url).body == BODY
    assert feed_server.requests[-1].headers["Host"] == url.split("/")[2]
    names.hosts["feed.example"] = ["127.0.0.9"]
    assert asking.get(url).body == BODY
    assert names.asked == ["feed.example"]
    asking.close()


def test_a_name_that_leads_to_this_machine_is_refused(feed_server: FeedServer) -> None:
    feed_server.serve("/a", BODY)
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"):
        answer = ask(named(feed_server.url, "feed.example") + "/a", Names(feed_example=address))
        assert answer.outcome == "unreachable"
        assert answer.detail is not None
        assert "not public" in answer.detail
    assert not feed_server.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "other.example", "2130706433", "[::1]"])
def test_a_redirect_from_a_public_host_to_loopback_is_refused(
    feed_server: FeedServer, host: str
) -> None:
    """The first host counts as public here because the region allows it by name."""
    names = Names(feed_example="127.0.0.1", localhost="127.0.0.1", other_example="127.0.0.1")
    names.hosts["2130706433"] = ["127.0.0.1"]
    target = named(feed_server.serve("/secret", BODY), host)
    url = named(
        feed_server.serve("/a", Reply(status=302, headers={"Location": target})), "feed.example"
    )
    answer = ask(url, names, "feed.example")
    assert (answer.outcome, answer.status, answer.body) == ("http_error", 302, b"")
    assert answer.detail is not None
    assert answer.detail.startswith("a redirect is not followed")
    assert [request.path for request in feed_server.requests] == ["/a"]


def test_a_url_that_no_person_wrote_vouches_for_nothing(feed_server: FeedServer) -> None:
    url = feed_server.serve("/a", BODY)
    assert ask(url, LOOPBACK, is_named=False).outcome == "unreachable"
    assert ask(url, LOOPBACK, "127.0.0.1", is_named=False).outcome == "ok"
    assert len(feed_server.requests) == 1


def test_secrets_go_to_their_own_host_only(feed_server: FeedServer) -> None:
    other = named(feed_server.url, "other.example") + "/b"
    feed_server.serve("/b", BODY)
    feed_server.serve("/a?x=1&key=s3cret%2F", Reply(status=302, headers={"Location": other}))
    secrets = {"headers": {"X-Key": "s3cret"}, "query": {"key": "s3cret/"}}
    url = named(feed_server.url, "feed.example") + "/a?x=1"
    answer = ask(url, LOOPBACK, "feed.example", "other.example", **secrets)
    assert (answer.body, answer.url) == (BODY, other)
    first, second = feed_server.requests
    assert first.headers["X-Key"] == "s3cret"
    assert "s3cret" not in f"{second}"
    assert "s3cret" not in f"{answer}"


def test_secrets_follow_their_host_to_https_but_never_back(
    feed_server: FeedServer, tls_server: FeedServer
) -> None:
    down = named(feed_server.serve("/b", BODY), "feed.example")
    url = tls_server.serve("/a", Reply(status=301, headers={"Location": down}))
    assert ask(url, LOOPBACK, "feed.example", headers={"X-Key": "s3cret"}).body == BODY
    assert tls_server.requests[-1].headers["X-Key"] == "s3cret"
    assert "X-Key" not in feed_server.requests[-1].headers


def drip(piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    def treat(connection: socket.socket) -> None:
        with suppress(OSError):
            for _ in range(200):
                connection.sendall(piece)
                time.sleep(pause)

    return treat


@pytest.mark.parametrize(
    ("scheme", "before", "piece"),
    [
        ("http", b"", b"H"),
        ("http", b"HTTP/1.1 200 OK\r\n", b"X"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        ("https", b"\x16\x03\x03\x40\x00", b"H"),
    ],
)
def test_bytes_that_drip_do_not_stretch_the_time_limit(
    scheme: str, before: bytes, piece: bytes
) -> None:
    """Over https the server drips into the handshake."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, suppress(OSError):
            connection.sendall(before)
            drip(piece, 0.05)(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    begun = time.monotonic()
    answer = ask(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/", LOOPBACK)
    took = time.monotonic() - begun
    thread.join()
    listener.close()
    assert answer.outcome == "timeout"
    assert 0.25 < took < 2  # the server would go on for ten seconds


def test_an_endless_body_ends(feed_server: FeedServer) -> None:
    small = Limits(total_seconds=5, wire_bytes=100_000)
    url = feed_server.serve("/a", Reply(bytes(1 << 20)))
    asking = Client(url, limits=small)
    assert asking.get(url).outcome == "too_large"
    # and the connection is not used again with the rest of it still in it
    assert asking.get(feed_server.serve("/b", BODY)).body == BODY
    asking.close()


def test_what_a_host_says_unasked_is_not_taken_for_an_answer() -> None:
    """A second answer behind the first must not answer the next request."""
    listener = socket.create_server(("127.0.0.1", 0))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    def serve() -> None:
        for body in (b"{}", b"[]"):
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(head + body + head + b"!!")
                connection.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    asking = Client(url, limits=QUICK)
    bodies = []
    for _ in range(2):
        bodies.append(asking.get(url).body)
        time.sleep(0.05)
    asking.close()
    thread.join()
    listener.close()
    assert bodies == [b"{}", b"[]"]


def test_the_environment_and_the_host_have_no_say_in_a_request(
    feed_server: FeedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy, no .netrc, no cookie."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    feed_server.serve("/a", Reply(BODY, headers={"Set-Cookie": "id=1; Path=/"}))
    for host in ("127.0.0.1", "feed.example"):
        url = named(feed_server.url, host)
        asking = client(url, LOOPBACK, "feed.example")
        assert [asking.get(url + "/a").body for _ in range(2)] == [BODY, BODY]
        asking.close()
    names = {name for request in feed_server.requests for name in request.headers}
    assert names == {"Host", "User-Agent", "Accept", "Accept-Encoding"}


def test_the_body_of_a_redirect_is_not_read(feed_server: FeedServer) -> None:
    bomb = gzip.compress(bytes(200 << 20))
    headers = {"Location": "/b", "Content-Encoding": "gzip"}
    url = feed_server.serve("/a", Reply(bomb, 302, headers))
    feed_server.serve("/b", BODY)
    begun = time.process_time()
    assert ask(url, LOOPBACK).body == BODY
    assert time.process_time() - begun < 0.2


def test_a_connection_is_kept_where_nothing_is_left_in_it(feed_server: FeedServer) -> None:
    """Each connection would look the name up."""
    names = Names(feed_example="127.0.0.1")
    url = named(feed_server.url, "feed.example")
    feed_server.serve("/a", Reply(status=302, headers={"Location": "/b"}))
    feed_server.serve("/b", Reply(BODY, headers={"ETag": "1"}))
    feed_server.serve("/c", Reply(status=304))
    feed_server.serve("/d", Reply(b"what is this", 404))
    asking = client(url, names, "feed.example")
    outcomes = [asking.get(url + path, Validators("1")).outcome for path in ("/a", "/c", "/b")]
    assert outcomes == ["ok", "not_modified", "ok"]
    assert len(names.asked) == 1
    assert asking.get(url + "/d").outcome == "http_error"
    assert asking.get(url + "/b").outcome == "ok"
    assert len(names.asked) == 2
    asking.close()


def test_a_kept_connection_that_breaks_is_opened_once_more() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    def serve() -> None:
        for answers in (1, 1):
            connection, _ = listener.accept()
            with connection:
                for _ in range(answers):
                    connection.recv(4096)
                    connection.sendall(reply)
                connection.recv(4096)  # and no answer

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    asking = Client(url, limits=QUICK)
    assert [asking.get(url).body for _ in range(2)] == [b"{}", b"{}"]
    asking.close()
    thread.join()
    listener.close()


def test_a_malformed_header_does_not_put_a_key_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\n{}")

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with caplog.at_level(logging.DEBUG):
        ask(url, LOOPBACK, query={"key": "s3cret"})
        ask(url.replace("127.0.0.1", "127.0.0.2"), LOOPBACK, query={"key": "s3cret"})
    thread.join()
    listener.close()
    assert "s3cret" not in caplog.text


def test_a_session_takes_no_other_host_than_the_one_checked(feed_server: FeedServer) -> None:
    port = int(feed_server.url.rpartition(":")[2])
    line = Line("http", "feed.example", port, ["127.0.0.1"], 1)
    with LineSession() as session:
        for target in ("@other.example/", f"@feed.example:{port + 1}/"):
            not_checked = pytest.raises(requests.exceptions.InvalidURL, match="checked")
            with line.limited(time.monotonic() + 1, 1), not_checked:
                session.ask(line, target, {})
    line.drop()
    assert not feed_server.requests
