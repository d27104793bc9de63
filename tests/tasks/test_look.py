"""A look at feeds that a replay server plays, that are live, and that are no feeds."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from infra.replay import Chaos, ReplayServer, Source, captured, city_day
from tasks.files import Layout
from tasks.gbfs import FeedError
from tasks.journal import seal_day
from tasks.look import LookError, look
from tasks.mobility.sealed import trips_of_feed
from tasks.region import Region, load_region
from tests.journeys.conftest import seen_while_ridden, shift
from tests.journeys.test_real_feeds import on_this_server
from tests.tasks.conftest import FeedServer, Reply, Timekeeper, vehicles
from tests.tasks.service_area.conftest import square, zone, zones_file

DAY = dt.date(2026, 5, 20)
NOON = dt.datetime(2026, 5, 20, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def file(tmp_path: Path, data_root: Path) -> Path:
    return tmp_path / "look.yaml"


def said(lines: list[str]) -> dict[str, str]:
    """The verdict by what its lines are about."""
    return dict(line.split(": ", 1) for line in lines)


def look_at(
    source: Source, file: Path, path: str = "gbfs.json", minutes: float = 10, **more: Any
) -> tuple[dict[str, str], Region]:
    with ReplayServer(source, **more) as server:
        verdict = said(look(f"{server.url}/{path}", file, minutes))
    return verdict, load_region(file)


@pytest.fixture(scope="module")
def cities() -> dict[str, Source]:
    """An hour of a busy small city, which begins late in the afternoon."""
    names = ("static", "per_trip", "per_poll")
    return {name: Late(city_day(DAY, vehicles=300, trips=3000, id_regime=name)) for name in names}


class Late:
    """A source from five in the afternoon on."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first = 17 * 60
        self.versions = source.versions
        self.polls = source.polls - self._first

    def time(self, poll: int) -> int:
        return self._source.time(self._first + poll)

    def tag(self, version: str, poll: int) -> str:
        return self._source.tag(version, self._first + poll)

    def vehicle_status(self, version: str, poll: int) -> bytes:
        return self._source.vehicle_status(version, self._first + poll)

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        return self._source.documents(version, self._first + poll)


@pytest.mark.parametrize(
    ("regime", "ids", "release"),
    [
        ("static", "static: an id stays with its vehicle", "trips can be derived"),
        ("per_trip", "per_trip: a vehicle gets a new id", "no trips can be derived; starts and"),
        ("per_poll", "per_poll: every answer names", "nothing: it names its vehicles anew"),
    ],
)
def test_ten_minutes_tell_what_would_be_released(
    cities: dict[str, Source], file: Path, regime: str, ids: str, release: str
) -> None:
    verdict, region = look_at(cities[regime], file, "2.3/gbfs.json")
    assert verdict["ids"].startswith(ids)
    assert verdict["release"].startswith(release)
    assert verdict["version"] == "GBFS 2.3; vehicles are in free_bike_status.json of 127.0.0.1"
    assert verdict["answers"] == "11 ok; 0 of 11 polls failed"
    assert verdict["interval"] == "ttl 0 s; poll it every 60 seconds"
    assert verdict["last_updated"].startswith("new in 11 of 11 answers")
    assert verdict["defects"] == "no record was set aside"
    assert verdict["vehicles"].startswith("about 200, most of them at latitude 38.18 to 38.3,")
    assert verdict["vehicles"].endswith("100% of the sightings in the service area below")
    assert verdict["rides"].startswith("no sign that vehicles are shown while they are ridden")
    moves = int(verdict["moves"].split()[0])
    assert (moves > 0) == (regime == "static")
    (feed,) = region.feeds
    assert (region.id, region.name) == ("simulated-city", "Simulated city")
    assert region.time_zone == "America/Kentucky/Louisville"
    assert (feed.id_regime, feed.clock, feed.poll_seconds) == (regime, "feed", 60)
    (box,) = region.service_area
    assert box.edges == (38.18, -85.82, 38.3, -85.68)
    text = file.read_text()
    assert "do not release 2026-05-20" in text
    assert "release no day that this box was drawn from" in text


def test_the_region_can_be_collected_sealed_and_derived(
    cities: dict[str, Source], file: Path, layout: Layout
) -> None:
    with ReplayServer(cities["static"]) as server:
        look(f"{server.url}/2.3/gbfs.json", file, 10)
        region = load_region(file)
        until = dt.datetime.combine(DAY, dt.time(18), region.zone)
        shift(region, region.feeds[0], layout, DAY, until)
    seal_day(region, DAY, layout)
    sealed = layout.sightings(region.id, DAY)
    trips = trips_of_feed(sealed, sealed / "none", region.feeds[0], region).table
    assert sum(trips["is_trip"].to_pylist()) > 50


def test_rides_that_are_shown_make_the_day_of_a_vehicle_the_unit(file: Path) -> None:
    city = Late(seen_while_ridden(city_day(DAY, vehicles=70, trips=700)))
    verdict, region = look_at(city, file, minutes=60)
    assert verdict["rides"].startswith("vehicles are shown while they are ridden")
    assert verdict["release"].endswith("for the unit vehicle_day")
    assert region.guarantee.unit == "vehicle_day"
    assert "  # vehicles are shown while they are ridden" in file.read_text()


def test_answers_that_break_are_counted_and_do_not_end_the_look(
    cities: dict[str, Source], file: Path
) -> None:
    verdict, region = look_at(
        cities["per_trip"], file, "3.0/gbfs.json", 60, faults=Chaos(5, share=0.3)
    )
    failed, polls = (
        int(word) for word in verdict["answers"].split("; ")[1].split() if word.isdigit()
    )
    assert 5 < failed < polls
    assert verdict["version"].startswith("GBFS 3.0")
    assert region.feeds[0].id_regime == "per_trip"


def test_a_vehicle_feed_without_its_discovery_file_names_no_system(
    cities: dict[str, Source], file: Path
) -> None:
    verdict, region = look_at(cities["static"], file, "1.1/free_bike_status.json")
    assert verdict["version"] == "GBFS 1.1; the URL brought no discovery file"
    assert region.time_zone == "Etc/UTC"
    assert "NOT KNOWN: put the city's IANA time zone here" in file.read_text()


def test_a_day_that_was_captured(shared_data: Path, file: Path) -> None:
    source = captured(shared_data / "gbfs/tier_wolfsburg", dt.date(2023, 8, 1))
    verdict, region = look_at(source, file, minutes=240)
    assert verdict["moves"].startswith("178 over 100 m, 147 of them trips")
    assert verdict["ids"].startswith("static")
    assert region.time_zone == "Europe/Berlin"
    (box,) = region.service_area
    assert box.edges == (52.37, 10.66, 52.49, 10.88)


# Feeds that are live: what waits takes no time here, and each look at the clock a second


@pytest.fixture
def clock() -> Timekeeper:
    return Timekeeper(NOON)


def serve(server: FeedServer, clock: Timekeeper, body: bytes | None = None, **files: Any) -> str:
    """A live feed of thirty vehicles, or of another body, with these files beside it."""

    def now(_: Any) -> Reply:
        return Reply(vehicles(30, at=clock.time) if body is None else body, date=clock.time)

    names = ["free_bike_status", *files]
    listed = [{"name": name, "url": f"{server.url}/{name}.json"} for name in names]
    server.serve("/free_bike_status.json", now)
    for name, document in files.items():
        server.serve(f"/{name}.json", json.dumps(document).encode())
    listing = json.dumps({"data": {"en": {"feeds": listed}}}).encode()
    return server.serve("/gbfs.json", lambda _: Reply(listing, date=clock.time))


def body_of(*records: dict[str, Any], **header: Any) -> bytes:
    return json.dumps({**header, "data": {"bikes": list(records)}}).encode()


def polled(server: FeedServer) -> int:
    return sum(request.path == "/free_bike_status.json" for request in server.requests)


@pytest.mark.parametrize(
    ("folder", "named", "area"),
    [
        ("divvy_chicago", ("lyft-chi", "America/Chicago", "GBFS 2.3"), "made from station_inform"),
        (
            "gis_tools_fixtures/v3.0",
            ("capcotentin", "Europe/Paris", "GBFS 3.0"),
            "made from station_information: 500 m around 19 stations",
        ),
        (
            "otp_fixtures/ridecheck/almere",
            ("check-almere", "Europe/Amsterdam", "GBFS 3.0"),
            "made from geofencing_zones",
        ),
        ("gis_tools_fixtures/v1.1", ("helbiz-us", "Etc/UTC", "GBFS 1.1"), "a box around"),
    ],
)
def test_feed_sets_that_were_captured(
    shared_data: Path,
    feed_server: FeedServer,
    clock: Timekeeper,
    file: Path,
    folder: str,
    named: tuple[str, str, str],
    area: str,
) -> None:
    for path in (shared_data / "gbfs" / folder).glob("*.json"):
        document = on_this_server(json.loads(path.read_bytes()), feed_server.url)
        feed_server.serve(f"/{path.name}", Reply(json.dumps(document).encode(), date=NOON))
    verdict = said(look(f"{feed_server.url}/gbfs.json", file, 2, clock=clock))
    drafted = load_region(file)
    version = verdict["version"].split(";")[0]
    assert (drafted.id, drafted.time_zone, version) == named
    assert verdict["service area"].startswith(area)
    assert "or its data are old" in verdict["last_updated"]
    assert "; 0 of " in verdict["answers"]


AROUND = {"bike_id": "a", "lat": 50.015, "lon": 8.015}
ZONES = zones_file(
    zone(square(0, 0, 10), {"ride_allowed": True}, name="Town"),
    zone(square(2, 2, 4), {"ride_allowed": False}, name="Park"),
)


def test_a_live_feed_is_asked_once_a_minute(
    feed_server: FeedServer, clock: Timekeeper, file: Path
) -> None:
    verdict = said(look(serve(feed_server, clock), file, 10, clock=clock))
    assert verdict["answers"] == "11 ok; 0 of 11 polls failed"
    assert polled(feed_server) == 11
    assert NOON + dt.timedelta(minutes=9) < clock.time < NOON + dt.timedelta(minutes=11)
    region = load_region(file)
    assert region.feeds[0].clock == "wall"
    assert region.id == "127-0-0-1"


def test_a_longer_ttl_is_the_interval(
    feed_server: FeedServer, clock: Timekeeper, file: Path
) -> None:
    def edition(_: Any) -> Reply:
        latest = int(clock.time.timestamp()) // 300 * 300
        return Reply(body_of(AROUND, ttl=300, last_updated=latest), date=clock.time)

    url = serve(feed_server, clock)
    feed_server.serve("/free_bike_status.json", edition)
    verdict = said(look(url, file, 30, clock=clock))
    assert verdict["interval"] == "ttl 300 s; poll it every 300 seconds"
    assert "new in 6 of 7 answers" in verdict["last_updated"]
    assert polled(feed_server) == 7
    assert load_region(file).feeds[0].poll_seconds == 300


def test_a_feed_that_stands_still_with_a_wrong_clock_is_found_out(
    feed_server: FeedServer, clock: Timekeeper, file: Path
) -> None:
    two_hours_ago = int((NOON - dt.timedelta(hours=2)).timestamp())
    body = body_of(AROUND, last_updated=two_hours_ago)
    verdict = said(look(serve(feed_server, clock, body), file, 10, clock=clock))
    line = verdict["last_updated"]
    assert line.startswith("new in 1 of 11 answers; 7,20")
    assert "behind our clock, so that its clock or time zone is wrong" in line


def test_what_the_operator_publishes_is_the_area(
    feed_server: FeedServer, clock: Timekeeper, file: Path
) -> None:
    system = {"system_id": "Town_Bikes", "name": "Town\n\x1b[31mBikes", "timezone": "Europe/Berlin"}
    files = {"geofencing_zones": ZONES, "system_information": {"data": system}}
    swapped = {"bike_id": "b", "lat": 8.015, "lon": 50.015}
    double = {**AROUND, "lat": 50.2}
    url = serve(feed_server, clock, body_of(AROUND, swapped, double), **files)
    verdict = said(look(url, file, 10, clock=clock))
    region = load_region(file)
    assert (region.id, region.name) == ("town-bikes", "Town [31mBikes")
    assert region.time_zone == "Europe/Berlin"
    (box,) = region.service_area
    assert (box.name, len(box.polygons[0])) == ("town-31mbikes", 2)
    assert "drawn from" not in file.read_text()
    assert verdict["service area"].startswith("made from geofencing_zones")
    defects = verdict["defects"]
    assert "11 duplicate_id (An earlier record" in defects
    assert (
        "10 swapped_position (Latitude and longitude are exchanged" in defects
    )  # once it is known


def test_an_area_that_cannot_be_fetched_is_no_area_that_is_not_published(
    feed_server: FeedServer, clock: Timekeeper, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWN_KEY", "s3cret")
    serve(feed_server, clock, geofencing_zones=ZONES)
    listing = feed_server.paths["/gbfs.json"]
    feed_server.serve("/gbfs.json?key=s3cret", listing)
    feed_server.serve("/geofencing_zones.json", Reply(b"", 500, date=NOON))
    lines = look(f"{feed_server.url}/gbfs.json?key=${{TOWN_KEY}}", file, 10, clock=clock)
    area = said(lines)["service area"]
    assert area.endswith("what the feed publishes could not be fetched; look again")
    assert load_region(file).feeds[0].url == f"{feed_server.url}/gbfs.json?key=${{TOWN_KEY}}"
    assert "s3cret" not in "".join(lines) + file.read_text()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(b"<html>shop</html>"), "not JSON; is the URL that of a web page?"),
        (Reply(b"gone", 404), "HTTP 404: the server refuses; are the URL and"),
        (Reply(b"", 410), "the feed says that it is over; is there a newer URL?"),
        (Reply(b'{"data": {"stations": []}}'), "neither a discovery file that names a vehicle"),
    ],
)
def test_what_is_no_feed_gets_one_line_and_no_file(
    feed_server: FeedServer,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    reply: Reply,
    why: str,
) -> None:
    url = feed_server.serve("/gbfs.json", reply)
    assert main(["look", url, str(file)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"opentrips: feed 'look' ({url}): ")
    assert why in error
    assert error.count("\n") == 1
    assert not file.exists()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/gbfs.json", "no connection; is the URL right, and the server up?"),
        ("ftp://example.org/gbfs.json", "the url must be an http or https URL"),
        ("antwerp", "the url must be an http or https URL"),
        ("https://example.org/${NO_SUCH_KEY}", "the environment variable NO_SUCH_KEY"),
    ],
)
def test_an_address_that_cannot_be_polled_gets_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], url: str, why: str
) -> None:
    assert main(["look", url, str(file)]) == 1
    out, error = capsys.readouterr()
    assert why in error
    assert (out, error.count("\n")) == ("", 1)
    assert not file.exists()


def test_a_feed_that_just_failed_is_spared(
    feed_server: FeedServer, file: Path, clock: Timekeeper
) -> None:
    busy = Reply(b"", 429, {"Retry-After": "120"}, date=NOON)
    url = feed_server.serve("/gbfs.json", busy)
    for why in ("HTTP 429", "is spared until 12:02:"):
        with pytest.raises(FeedError, match=why):
            look(url, file, 10, clock=clock)
    assert not file.exists()


def test_an_empty_feed_has_nothing_to_say(
    feed_server: FeedServer, file: Path, clock: Timekeeper
) -> None:
    url = serve(feed_server, clock, body_of())
    with pytest.raises(LookError, match="none of 11 polls brought a vehicle"):
        look(url, file, 10, clock=clock)
    assert not file.exists()


@pytest.mark.parametrize("minutes", [0, -1, 721, float("nan")])
def test_a_look_takes_some_minutes(file: Path, minutes: float) -> None:
    with pytest.raises(LookError, match=r"a look takes 1 to 720 minutes, not"):
        look("http://127.0.0.1:9/gbfs.json", file, minutes)


def test_a_file_that_exists_or_cannot_be_written_is_found_at_once(file: Path) -> None:
    with pytest.raises(LookError, match="absent is no folder that can be written to"):
        look("http://127.0.0.1:9/gbfs.json", file.parent / "absent" / "look.yaml", 10)
    file.write_text("id: mine")
    with pytest.raises(LookError, match=r"look.yaml exists; remove it or name another"):
        look("http://127.0.0.1:9/gbfs.json", file, 10)
    assert file.read_text() == "id: mine"


def test_a_look_that_is_stopped_keeps_nothing(feed_server: FeedServer, file: Path) -> None:
    url = feed_server.serve("/v", lambda _: Reply(vehicles(3, at=dt.datetime.now(dt.UTC))))
    temporary = file.parent / "tmp"
    temporary.mkdir()
    look = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "look", url, str(file)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert look.stdout is not None
    assert look.stdout.readline() == f"{url} answers; looking at it for 10 minutes\n"
    look.send_signal(signal.SIGINT)
    _, error = look.communicate(timeout=60)
    assert (look.returncode, error) == (130, "opentrips: stopped; nothing was kept\n")
    assert not file.exists()
    assert not list(temporary.iterdir())


def test_nothing_else_is_kept(
    feed_server: FeedServer,
    clock: Timekeeper,
    file: Path,
    tmp_path: Path,
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But when its host was asked, by which all processes of the machine are polite to it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    look(serve(feed_server, clock), file, 10, clock=clock)
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in left if ".hosts" not in str(path) and ".spared" not in str(path)} == {
        file
    }
