import datetime as dt
import gzip
import http.client
import json
import socket
import time
import zlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.replay import (
    Answer,
    ReplayError,
    ReplayServer,
    Served,
    captured,
    city_day,
    trips_day,
)
from infra.replay.feeds import TimelineFeed

NOON = 1_779_278_400  # 2026-05-20 12:00 UTC
STATUS = "/2.3/free_bike_status.json"


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.time = int(parsedate_to_datetime(self.headers["Date"]).timestamp())

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(server: ReplayServer, path: str = STATUS, method: str = "GET", **headers: str) -> Reply:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=names)
        return Reply(connection.getresponse())
    finally:
        connection.close()


def read_all(client: socket.socket) -> None:
    while client.recv(100):
        continue


@pytest.fixture(scope="module")
def city() -> TimelineFeed:
    return city_day(dt.date(2026, 5, 20), vehicles=300, trips=900)


@pytest.fixture
def server(city: TimelineFeed) -> Iterator[ReplayServer]:
    with ReplayServer(city) as running:
        yield running


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    for number, second in enumerate((0, 300, 300, 600)):
        document = {"last_updated": NOON + second, "version": "2.3", "data": {"bikes": []}}
        (tmp_path / f"{number}.json").write_text(json.dumps(document))
    return tmp_path


@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0"])
def test_discovery_leads_to_every_file(server: ReplayServer, version: str) -> None:
    data = get(server, f"/{version}/gbfs.json").json["data"]
    feeds = data["feeds"] if version == "3.0" else data["en"]["feeds"]
    names = [feed["name"] for feed in feeds]
    assert "system_information" in names
    assert ("vehicle_types" in names) == (version != "1.1")
    assert names[-1] == ("vehicle_status" if version == "3.0" else "free_bike_status")
    for feed in feeds:
        reply = get(server, feed["url"].removeprefix(server.url))
        assert reply.status == 200
        assert reply.json["version"] == version
        assert reply.headers["Content-Type"] == "application/json"


def test_the_root_discovery_file_is_that_of_the_default_version(server: ReplayServer) -> None:
    assert get(server, "/gbfs.json").body == get(server, "/2.3/gbfs.json").body


def test_every_answer_to_the_vehicle_status_moves_the_time(
    server: ReplayServer, city: TimelineFeed
) -> None:
    replies = [get(server) for _ in range(3)]
    times = [city.day.start + 60 * poll for poll in range(3)]
    assert [reply.json["last_updated"] for reply in replies] == times
    assert [reply.time for reply in replies] == times


def test_nothing_else_moves_the_time(server: ReplayServer, city: TimelineFeed) -> None:
    get(server)
    for path in ("/2.3/gbfs.json", "/2.3/system_information.json", "/2.3/nothing.json"):
        assert get(server, path).time == city.day.start + 60
    assert get(server, "/9.9/gbfs.json").status == 404
    assert get(server, method="HEAD").body == b""
    assert get(server).time == city.day.start + 60


def test_every_vehicle_status_url_has_a_clock(server: ReplayServer, city: TimelineFeed) -> None:
    for _ in range(3):
        get(server)
    assert get(server, "/3.0/vehicle_status.json").time == city.day.start
    assert get(server, f"{STATUS}?second").time == city.day.start
    feeds = get(server, "/2.3/gbfs.json?second").json["data"]["en"]["feeds"]
    assert feeds[-1]["url"] == f"{server.url}{STATUS}?second"
    assert get(server).time == city.day.start + 180


def test_gzip_only_when_asked(server: ReplayServer) -> None:
    packed, plain = get(server, Accept_Encoding="gzip, br"), get(server, f"{STATUS}?second")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 4


def test_a_known_body_is_304_and_counts_as_an_answer(captures: Path) -> None:
    with ReplayServer(captured(captures)) as server:
        replies = [get(server), get(server)]
        replies.append(get(server, If_None_Match=replies[1].headers["ETag"]))
        replies.append(get(server, If_None_Match=replies[1].headers["ETag"]))
        replies.append(get(server))
        assert [reply.status for reply in replies] == [200, 200, 304, 200, 410]
        assert replies[2].body == b""
        seconds = [reply.time - NOON for reply in replies]
        assert seconds == [0, 300, 360, 600, 659]
        bodies = [(captures / name).read_bytes() for name in ("0.json", "1.json", "3.json")]
        assert [replies[i].body for i in (0, 1, 3)] == bodies
        assert get(server).status == 410


def test_an_identical_body_is_sent_again_to_who_does_not_name_it(captures: Path) -> None:
    with ReplayServer(captured(captures)) as server:
        replies = [get(server) for _ in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    assert replies[1].body == replies[2].body


def test_a_second_client_does_not_move_the_time(server: ReplayServer, city: TimelineFeed) -> None:
    get(server, User_Agent="collector")
    second = [get(server, User_Agent="browser") for _ in range(3)]
    assert {reply.time for reply in second} == {city.day.start + 60}
    assert get(server, User_Agent="collector").time == city.day.start + 60
    assert get(server, User_Agent="collector").time == city.day.start + 120


def test_an_answer_that_was_not_read_to_its_end_is_given_again(
    server: ReplayServer, city: TimelineFeed
) -> None:
    def wait_for(time_then: int) -> None:
        deadline = time.monotonic() + 10
        while get(server, "/2.3/gbfs.json").time != time_then:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"GET {STATUS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(20).startswith(b"HTTP/1.1 200")
        wait_for(city.day.start + 60)  # the whole answer lies in the system's buffers
    wait_for(city.day.start)
    assert get(server).time == city.day.start


def test_a_connection_can_be_kept(server: ReplayServer, city: TimelineFeed) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    start = time.perf_counter()
    for poll in range(100):
        connection.request("GET", STATUS, headers={"Accept-Encoding": "gzip"})
        assert Reply(connection.getresponse()).time == city.day.start + 60 * poll
    assert time.perf_counter() - start < 3  # 40 ms each if small packets waited for each other
    connection.close()


def test_stopping_closes_the_port_and_kept_connections(city: TimelineFeed) -> None:
    with ReplayServer(city) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
        connection.request("GET", STATUS)
        connection.getresponse().read()
    with pytest.raises(ConnectionError):
        get(server)
    assert connection.sock.recv(1) == b""  # the server has hung up
    connection.close()


def test_a_port_in_use_and_a_port_that_is_none(city: TimelineFeed) -> None:
    with ReplayServer(city) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ReplayError, match=f"port {port} is in use"):
            ReplayServer(city, port)
    with pytest.raises(ReplayError, match="port 70000 cannot be had"):
        ReplayServer(city, 70_000)
    with ReplayServer(city, port) as server:  # free again at once
        assert get(server).status == 200


def test_faults_replace_answers_and_move_the_time_as_answers_do(city: TimelineFeed) -> None:
    body = gzip.compress(b"{}" * 500)[:-8]
    broken = {
        1: Answer(500, {"Retry-After": "1"}, b"oops"),
        2: Answer(404),
        3: Answer(200, {"Content-Type": "text/html"}, b"<html>"),
        4: Answer(200, {"Content-Encoding": "gzip"}, body),
    }
    asked = []

    def faults(path: str, before: int) -> Answer | None:
        asked.append((path, before))
        return broken.get(before) if path == STATUS else None

    with ReplayServer(city, faults=faults) as server:
        replies = [get(server) for _ in range(6)]
        assert get(server, "/2.3/gbfs.json").status == 200
    assert [reply.status for reply in replies] == [200, 500, 404, 200, 200, 200]
    assert [(reply.time - city.day.start) // 60 for reply in replies] == [0, 1, 1, 1, 2, 3]
    assert replies[1].headers["Retry-After"] == "1"
    assert replies[3].headers["Content-Type"] == "text/html"
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(replies[4].body)
    assert asked == [(STATUS, n) for n in range(6)] + [("/2.3/gbfs.json", 0)]


def test_faults_can_break_the_connection(city: TimelineFeed) -> None:
    broken = {0: Answer(0), 1: Answer(200, {"Content-Length": "1000"}, b"{")}
    with ReplayServer(city, faults=lambda path, before: broken.get(before)) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            get(server)
        with pytest.raises(http.client.IncompleteRead):
            get(server)
        assert get(server).status == 200


def test_faults_can_alter_the_true_answer(city: TimelineFeed) -> None:
    def halved(answer: Answer) -> Answer:
        assert isinstance(answer.body, bytes)
        return answer._replace(body=answer.body[: len(answer.body) // 2], fault="halved")

    with ReplayServer(city, faults=lambda path, before: halved if before == 1 else None) as server:
        bodies = [get(server).body for _ in range(2)]
    assert bodies[1] == city.vehicle_status("2.3", 1)[: len(bodies[1])]
    assert len(bodies[1]) == len(city.vehicle_status("2.3", 1)) // 2


def test_a_body_in_pieces_ends_with_the_connection(city: TimelineFeed) -> None:
    with ReplayServer(city, faults=lambda *_: Answer(200, {}, iter([b"a", b"bc"]))) as server:
        reply = get(server)
    assert reply.body == b"abc"
    assert reply.headers["Connection"] == "close"
    assert "Content-Length" not in reply.headers


def test_a_reset_is_no_end(city: TimelineFeed) -> None:
    fault = Answer(200, {"Content-Length": "10"}, b"{", resets=True)
    host = {0: fault}
    with ReplayServer(city, faults=lambda path, before: host.get(before)) as server:
        name, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((name, int(port))) as client:
            client.sendall(f"GET {STATUS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            with pytest.raises(ConnectionResetError):
                read_all(client)
        assert get(server).status == 200


def test_the_log_says_what_was_answered(city: TimelineFeed) -> None:
    broken = {1: Answer(500, fault="oops"), 2: Answer(200, {}, b"{}", fault="empty"), 4: Answer(0)}
    with ReplayServer(city, faults=lambda path, before: broken.get(before)) as server:
        for _ in range(4):
            get(server)
        get(server, "/9.9/gbfs.json")
        with pytest.raises(http.client.RemoteDisconnected):
            get(server)
        log = server.log
    assert log == [
        Served(STATUS, 0, 200, "", True),
        Served(STATUS, 1, 500, "oops"),
        Served(STATUS, 1, 200, "empty", True),
        Served(STATUS, 2, 200, "", True),
        Served("/9.9/gbfs.json", 0, 404, ""),
        Served(STATUS, 3, 0, ""),
    ]


def test_the_log_takes_back_what_was_not_read_to_its_end(city: TimelineFeed) -> None:
    endless = Answer(200, {}, (bytes(1 << 20) for _ in range(100)))
    with ReplayServer(city, faults=lambda path, before: None if before else endless) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"GET {STATUS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.recv(20)
        assert get(server).time == city.day.start
        assert get(server, "/2.3/gbfs.json").time == city.day.start + 60
        log = [(served.poll, served.moved) for served in server.log if served.path == STATUS]
    assert log == [(0, False), (0, True)]


def test_a_table_of_trips_arrives_over_http_trip_for_trip(
    tmp_path: Path, metres_between: Any
) -> None:
    random = np.random.default_rng(5)
    trips = []
    for vehicle in range(12):
        hours = np.sort(random.integers(0, 24, 6))
        here = np.array([38.2, -85.7]) + random.uniform(-0.02, 0.02, 2)
        for hour in hours:
            there = here + random.choice([-1, 1], 2) * random.uniform(0.002, 0.02, 2)
            trips.append((int(hour + 20) % 24, f"V{vehicle}", *here.round(6), *there.round(6)))
            far = random.uniform() < 0.3
            here = there + (random.uniform(0.01, 0.02, 2) if far else 0)
    table = tmp_path / "trips.csv"
    table.write_text("".join(", ".join(map(str, trip)) + "\n" for trip in trips))

    moves = []
    last: dict[str, Any] = {}
    with ReplayServer(trips_day(table, dt.date(2026, 5, 20))) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        while True:
            connection.request("GET", STATUS)
            reply = Reply(connection.getresponse())
            if reply.status == 410:
                break
            for bike in reply.json["data"]["bikes"]:
                here = np.array([bike["lat"], bike["lon"]])
                before = last.get(bike["bike_id"])
                if before is not None and metres_between(before, here) > 100:
                    moves.append((reply.time % 86_400 // 3600, *before, *here))
                last[bike["bike_id"]] = here
        connection.close()

    assert len(moves) == len(trips)
    for trip in trips:
        assert any(
            move[0] == trip[0]
            and metres_between(np.array(move[1:3]), np.array(trip[2:4])) < 4.2
            and metres_between(np.array(move[3:5]), np.array(trip[4:6])) < 4.2
            for move in moves
        )


def test_a_poll_of_a_large_fleet_costs_little(tmp_path: Path) -> None:
    table = tmp_path / "trips.csv"
    table.write_text(
        "".join(f"{i % 24},V{i:05},30.1{i:05},-97.1{i:05},30.2{i:05},-97.1\n" for i in range(9000))
    )
    with ReplayServer(trips_day(table, dt.date(2026, 5, 20))) as server:
        costs = []
        for _ in range(5):
            start = time.process_time()
            assert len(get(server, Accept_Encoding="gzip").body) > 100_000
            costs.append(time.process_time() - start)
    assert min(costs) < 0.1  # 0.013 s measured; a day of polls would take minutes at 0.1
