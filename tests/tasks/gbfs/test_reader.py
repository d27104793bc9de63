import gzip
import json
from typing import Any

import pytest

from tasks.gbfs import FeedError, FeedReader, Reading
from tasks.region import Feed
from tests.tasks.conftest import FeedServer, Reply, gzipped, vehicles


def feed(url: str, **more: Any) -> Feed:
    return Feed(id="feed", url=url, **more)


def discovery(url: str, version: str = "2.3") -> bytes:
    name = "vehicle_status" if version >= "3" else "free_bike_status"
    feeds = {"feeds": [{"name": name, "url": url}]}
    return json.dumps(
        {"version": version, "data": feeds if version >= "3" else {"en": feeds}}
    ).encode()


def read_once(url: str, **more: Any) -> Reading:
    with FeedReader(feed(url, **more)) as reader:
        return reader.read()


@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0"])
def test_discovery_then_the_vehicle_feed(feed_server: FeedServer, version: str) -> None:
    target = feed_server.serve("/vehicles", gzipped(vehicles(5, version)))
    start = feed_server.serve("/gbfs.json", discovery(target, version))
    with FeedReader(feed(start)) as reader:
        readings = [reader.read() for _ in range(3)]
    assert [reading.outcome for reading in readings] == ["ok"] * 3
    assert readings[0].parsed is not None
    assert readings[0].parsed.sightings.num_rows == 5
    assert readings[0].parsed.version == version
    assert readings[0].bytes == len(vehicles(5, version))
    # the discovery file is asked once
    paths = [request.path for request in feed_server.requests]
    assert paths == ["/gbfs.json", "/vehicles", "/vehicles", "/vehicles"]


def test_a_direct_url_costs_no_extra_request(feed_server: FeedServer) -> None:
    url = feed_server.serve_in_turn("/vehicles", [Reply(vehicles(2)), Reply(vehicles(3))])
    with FeedReader(feed(url)) as reader:
        counts = [
            reading.parsed.sightings.num_rows
            for reading in (reader.read(), reader.read())
            if reading.parsed is not None
        ]
        assert counts == [2, 3]
        assert reader.read().outcome == "ended"
    assert len(feed_server.requests) == 3


def test_the_discovery_file_is_asked_again_when_the_feed_has_moved(feed_server: FeedServer) -> None:
    old, new = feed_server.serve("/old", vehicles(1)), feed_server.url + "/new"
    start = feed_server.serve("/gbfs.json", discovery(old))
    with FeedReader(feed(start)) as reader:
        assert reader.read().outcome == "ok"
        del feed_server.paths["/old"]
        feed_server.serve("/new", vehicles(2))
        feed_server.serve("/gbfs.json", discovery(new))
        assert [reader.read().outcome for _ in range(2)] == ["http_error", "ok"]


def test_an_unchanged_feed(feed_server: FeedServer) -> None:
    url = feed_server.serve(
        "/vehicles",
        lambda request: (
            Reply(status=304)
            if request.headers.get("If-None-Match") == '"a"'
            else Reply(vehicles(2), headers={"ETag": '"a"'})
        ),
    )
    with FeedReader(feed(url)) as reader:
        first = reader.read()
        second = reader.read(first.validators)
        assert (second.outcome, second.parsed) == ("not_modified", None)
        assert second.validators.etag == '"a"'
        assert reader.read().outcome == "ok"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(b"<!doctype html><title>Not a feed</title>"), "not_json"),
        (
            Reply(gzip.compress(vehicles(5))[:-20], headers={"Content-Encoding": "gzip"}),
            "bad_encoding",
        ),
        (Reply(b'{"data": {"stations": []}}'), "wrong_shape"),
        (Reply(b'{"data": {"en": {"feeds": []}}}'), "wrong_shape"),
        (Reply(b"", 404), "http_error"),
        (Reply(b"", 410), "ended"),
        (Reply(vehicles(0)), "ok"),
    ],
)
@pytest.mark.parametrize("direct", [True, False])
def test_bad_bodies_are_outcomes(
    feed_server: FeedServer, reply: Reply, outcome: str, direct: bool
) -> None:
    url = feed_server.serve("/vehicles", reply)
    if not direct:
        url = feed_server.serve("/gbfs.json", discovery(url))
    reading = read_once(url)
    assert (reading.outcome, reading.status) == (outcome, reply.status)
    assert (reading.parsed is not None) == (outcome == "ok")


def test_variables_fill_the_url_and_the_headers(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_server.serve("/v?key=k3y", vehicles(1))
    monkeypatch.setenv("HOST", feed_server.url)
    monkeypatch.setenv("URL_KEY", "k3y")
    monkeypatch.setenv("TOKEN", "Bearer t0ken")
    assert read_once("${HOST}/v?key=${URL_KEY}", headers={"Authorization": "TOKEN"}).outcome == "ok"
    assert feed_server.requests[-1].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "http://a.example/${UNSET_KEY}"}, "the environment variable UNSET_KEY of its url"),
        (
            {"url": "http://a.example/", "headers": {"X-Key": "UNSET_KEY"}},
            "the environment variable UNSET_KEY of its headers",
        ),
        (
            {"url": "http://a.example/", "headers": {"X-Key": "BAD_KEY"}},
            "BAD_KEY of its headers holds characters that cannot stand",
        ),
        ({"url": "ftp://a.example/${KEY}"}, "must be an http or https URL"),
        ({"url": "http://"}, "must be an http or https URL"),
        ({"url": "http://a.example:port/"}, "must be an http or https URL"),
        ({"url": "http://a.example/", "clock": "feed"}, "remove `clock: feed`"),
    ],
)
def test_mistakes_in_the_regions_file_give_one_line(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("KEY", "s3cret")
    monkeypatch.setenv("BAD_KEY", "s3cret\n")
    with pytest.raises(FeedError, match=message) as raised:
        FeedReader(feed(**settings))
    line = str(raised.value)
    assert settings["url"] in line
    assert "\n" not in line
    assert "s3cret" not in line


def test_a_replay_whose_discovery_file_points_elsewhere_is_refused(feed_server: FeedServer) -> None:
    url = feed_server.serve("/gbfs.json", discovery("http://example.org/vehicles.json"))
    with pytest.raises(FeedError, match="discovery file names another host"):
        read_once(url, clock="feed")
