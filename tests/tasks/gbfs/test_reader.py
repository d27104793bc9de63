import gzip
import json
import logging
import re
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from tasks.gbfs import FeedError, FeedReader, Reading, Validators
from tasks.gbfs.reader import MAX_ENTRIES
from tasks.region import Feed
from tests.tasks.conftest import FeedServer, Reply, gzipped, vehicles
from tests.tasks.gbfs.conftest import Names


@pytest.fixture(autouse=True)
def _own_data_root(data_root: Path) -> None:
    """The turns at hosts are noted in the test's own data root."""


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


# Entries: whichever file the region names


ALLOWED = {"allow_hosts": ["127.0.0.1", "feed.example"]}
NAMES = Names(feed_example="127.0.0.1")


def test_a_replay_asks_no_other_host_for_vehicle_types(feed_server: FeedServer) -> None:
    elsewhere = feed_server.serve("/types", b'{"data": {"vehicle_types": []}}')
    elsewhere = elsewhere.replace("127.0.0.1", "feed.example")
    files = {"free_bike_status": feed_server.serve("/v", vehicles(1)), "vehicle_types": elsewhere}
    feeds = [{"name": name, "url": url} for name, url in files.items()]
    body = json.dumps({"data": {"en": {"feeds": feeds}}}).encode()
    replay = feed(feed_server.serve("/gbfs.json", body), clock="feed", **ALLOWED)
    with FeedReader(replay, resolve=NAMES) as reader:
        assert reader.read().outcome == "ok"
        assert reader.read_vehicle_types() is None
    assert [request.path for request in feed_server.requests] == ["/gbfs.json", "/v"]


def test_a_manifest_leads_to_versions_to_discovery_to_vehicles(feed_server: FeedServer) -> None:
    feed_server.serve("/v", vehicles(3, "3.0"))
    feed_server.serve("/3.0/gbfs.json", discovery("/v", "3.0"))
    versions = [{"version": "3.0", "url": "/3.0/gbfs.json"}]
    datasets = [{"system_id": "x", "versions": [{"version": "3.0", "url": "versions.json"}]}]
    feed_server.serve("/versions.json", json.dumps({"data": {"versions": versions}}).encode())
    url = feed_server.serve("/manifest.json", json.dumps({"data": {"datasets": datasets}}).encode())
    reading = read_once(url, system="x")
    assert reading.parsed is not None
    assert reading.parsed.sightings.num_rows == 3
    assert len(feed_server.requests) == 4
    reading = read_once(url, system="y")
    assert reading.outcome == "wrong_shape"
    assert reading.detail == "the manifest lists 0 such systems; name one of them by `system`"


def test_lists_of_versions_that_lead_in_circles_end(feed_server: FeedServer) -> None:
    versions = [{"version": "3.0", "url": "/versions.json"}]
    body = json.dumps({"data": {"versions": versions}}).encode()
    assert read_once(feed_server.serve("/versions.json", body)).outcome == "wrong_shape"
    assert len(feed_server.requests) == MAX_ENTRIES


def catalogue(url: str) -> str:
    return f"System ID,Auto-Discovery URL\ncity,{url}\n"


def test_a_system_is_found_in_a_local_catalogue(
    feed_server: FeedServer, tmp_path: Path, data_root: Path
) -> None:
    feed_server.serve("/v", vehicles(3))
    text = catalogue(feed_server.serve("/gbfs.json", discovery("/v")))
    (tmp_path / "my.csv").write_text(text)
    data_root.mkdir()
    (data_root / "systems.csv").write_text("\ufeff" + text)
    for place in (str(tmp_path / "my.csv"), None):
        by_system = Feed(id="feed", system="city", catalogue=place, **ALLOWED)
        with FeedReader(by_system) as reader:
            assert reader.read().outcome == "ok"
        assert by_system.account == "system city"
    # what stands in a catalogue vouches for no address
    with FeedReader(Feed(id="feed", system="city")) as reader:
        reading = reader.read()
    assert (reading.outcome, reading.status) == ("unreachable", None)
    for settings in ({"system": "town"}, {"catalogue": "/no/such/file"}):
        with pytest.raises(FeedError, match="feed 'feed'"):
            FeedReader(Feed(id="feed", **{"system": "city"} | settings))


def test_a_system_is_found_in_a_catalogue_on_the_web(feed_server: FeedServer) -> None:
    feed_server.serve("/v", vehicles(3))
    text = catalogue(feed_server.serve("/gbfs.json", discovery("/v")))
    url = feed_server.url + "/systems.csv"
    by_system = Feed(id="feed", system="city", catalogue=url, **ALLOWED)
    with FeedReader(by_system) as reader:
        missing = reader.read()
        assert (missing.outcome, missing.detail) == ("http_error", "it is the catalogue's answer")
        feed_server.serve("/systems.csv", text.encode())
        assert [reader.read().outcome for _ in range(2)] == ["ok", "ok"]
    paths = [request.path for request in feed_server.requests]
    assert paths == ["/systems.csv", "/systems.csv", "/gbfs.json", "/v", "/v"]


def test_a_feed_that_went_over_to_https_is_followed_there(tls_server: FeedServer) -> None:
    old = tls_server.url.replace("https", "http")
    tls_server.serve("/v", vehicles(3))
    tls_server.serve("/gbfs.json", discovery(old + "/v"))
    with FeedReader(feed(old + "/gbfs.json", **ALLOWED), resolve=NAMES) as reader:
        assert [reader.read().outcome for _ in range(3)] == ["ok"] * 3
    # found out once for each file, not at every poll
    assert [request.path for request in tls_server.requests] == ["/gbfs.json", "/v", "/v", "/v"]


def test_a_feed_never_goes_back_to_http_by_itself(feed_server: FeedServer) -> None:
    feed_server.serve("/v", vehicles(3))
    url = feed_server.url.replace("http://127.0.0.1", "https://feed.example") + "/v"
    with FeedReader(feed(url, **ALLOWED), resolve=NAMES) as reader:
        assert reader.read().outcome == "unreachable"
    assert not [request for request in feed_server.requests if request.path == "/v"]


def test_the_discovery_file_is_fetched_again_at_its_ttl(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_server.serve("/old", vehicles(1))
    feed_server.serve("/new", vehicles(2))
    url = feed_server.serve("/gbfs.json", discovery("/old"))
    monkeypatch.setattr("tasks.gbfs.reader.DISCOVERY_SECONDS", (0.2, 0.2))
    with FeedReader(feed(url)) as reader:
        reader.read()
        feed_server.serve("/gbfs.json", discovery("/new"))
        reader.read()
        time.sleep(0.25)
        reading = reader.read()
        assert reading.parsed is not None
        assert reading.parsed.sightings.num_rows == 2
        # while the discovery file is gone, the feed that is known is read on
        del feed_server.paths["/gbfs.json"]
        time.sleep(0.25)
        assert reader.read().outcome == "ok"


def test_validators_are_those_of_the_url_that_brought_the_body(feed_server: FeedServer) -> None:
    tag = Reply(vehicles(1), headers={"ETag": '"1"', "Last-Modified": "Wed, 20 May 2026"})
    feed_server.serve("/old", tag)
    url = feed_server.serve("/gbfs.json", discovery("/old"))
    with FeedReader(feed(url)) as reader:
        kept = reader.read().validators
        assert kept == Validators('"1"', "Wed, 20 May 2026")
        reader.read(kept)
        assert feed_server.requests[-1].headers["If-Modified-Since"] == "Wed, 20 May 2026"
        del feed_server.paths["/old"]
        feed_server.serve("/new", tag)
        feed_server.serve("/gbfs.json", discovery("/new"))
        assert [reader.read(kept).outcome for _ in range(2)] == ["http_error", "ok"]
    assert "If-None-Match" not in feed_server.requests[-1].headers


def test_a_feed_that_leads_inwards_is_refused_and_said_so(feed_server: FeedServer) -> None:
    secret = feed_server.serve("/inner", vehicles(1))
    feed_server.serve("/gbfs.json", discovery(secret))
    url = feed_server.url.replace("127.0.0.1", "feed.example") + "/gbfs.json"
    with FeedReader(feed(url, allow_hosts=["feed.example"]), resolve=NAMES) as reader:
        reading = reader.read()
    assert reading.outcome == "unreachable"
    assert reading.detail is not None
    assert "`allow_hosts` can name its host" in reading.detail
    assert [request.path for request in feed_server.requests] == ["/gbfs.json"]


def test_the_user_agent_names_a_contact(feed_server: FeedServer) -> None:
    url = feed_server.serve("/v", vehicles(1))
    with FeedReader(feed(url), contact="mailto:gbfs@example.org") as reader:
        reader.read()
    agent = feed_server.requests[-1].headers["User-Agent"]
    assert re.fullmatch(r"opentrips/\d+\.\d+\S* \(\+mailto:gbfs@example\.org\)", agent)


def test_secrets_are_neither_logged_nor_shown(
    feed_server: FeedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("HEADER", "QUERY", "PATH_KEY"):
        monkeypatch.setenv(name, f"PLANTED-{name}")
    path = "/PLANTED-PATH_KEY/v?key=PLANTED-QUERY"
    odd = Reply(b"", 500, {"X-Broken": "a\r\n :no header at all\r\nnor this"})
    replies = [odd, Reply(b"<html>"), Reply(b"{", length=9), Reply(vehicles(2)), Reply(b"", 404)]
    feed_server.serve_in_turn(path, replies)
    settings = {"headers": {"X-Key": "HEADER"}, "query": {"key": "QUERY"}}
    shown = []
    with (
        caplog.at_level(logging.DEBUG),
        FeedReader(feed(feed_server.url + "/${PATH_KEY}/v", **settings)) as reader,
    ):
        shown += [repr(reader.read()) for _ in range(6)]
    assert len({reading.split(",")[0] for reading in shown}) >= 4  # all those outcomes
    assert all(request.path == path for request in feed_server.requests)
    for variable in ("QUERY", "HEADER"):
        monkeypatch.setenv(variable, "PLANTED\n")
        with pytest.raises(FeedError) as raised:
            FeedReader(feed(feed_server.url, **settings))
        shown.append("".join(traceback.format_exception(raised.value)))
        monkeypatch.setenv(variable, "PLANTED")
    for text in (*shown, caplog.text, *capfd.readouterr()):
        assert "PLANTED-" not in text
        assert "PLANTED\n" not in text
