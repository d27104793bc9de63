import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from infra.replay.captures import CapturedFeed
from infra.replay.source import ReplayError

NOON = 1_779_278_400  # 2026-05-20 12:00 UTC


def body(last_updated: Any, version: str | None = "2.3", **data: Any) -> bytes:
    document = {"last_updated": last_updated, "ttl": 0, "data": {"bikes": []}, **data}
    if version:
        document["version"] = version
    return json.dumps(document, indent=3).encode()


def folder_of(path: Path, bodies: list[bytes]) -> Path:
    for number, content in enumerate(bodies):
        (path / f"{number:03}.json").write_bytes(content)
    return path


def test_bodies_are_played_in_order_and_unaltered(tmp_path: Path) -> None:
    bodies = [body(NOON + 300 * i, x=i) for i in range(3)]
    folder_of(tmp_path, bodies[:2])
    (tmp_path / "002.json.gz").write_bytes(gzip.compress(bodies[2]))
    (tmp_path / "notes.txt").write_text("not a body")
    (tmp_path / "system_information.json").write_text("{}")
    feed = CapturedFeed(tmp_path)
    assert feed.polls == 3
    assert feed.versions == ("2.3",)
    assert [feed.vehicle_status("2.3", poll) for poll in range(3)] == bodies
    assert [feed.time(poll) for poll in range(4)] == [NOON, NOON + 300, NOON + 600, NOON + 659]
    assert feed.documents("2.3", 0) == {"system_information": b"{}"}


def test_an_identical_body_has_the_same_tag_and_a_later_time(tmp_path: Path) -> None:
    bodies = [body(NOON), body(NOON), body(NOON), body(NOON + 90)]
    feed = CapturedFeed(folder_of(tmp_path, bodies))
    tags = [feed.tag("2.3", poll) for poll in range(4)]
    assert tags[0] == tags[1] == tags[2] != tags[3]
    assert [feed.time(poll) - NOON for poll in range(4)] == [0, 30, 60, 90]


def test_a_feed_that_stands_still_at_the_end_is_polled_at_its_interval(tmp_path: Path) -> None:
    feed = CapturedFeed(folder_of(tmp_path, [body(NOON)] * 3), poll_seconds=120)
    assert [feed.time(poll) - NOON for poll in range(3)] == [0, 120, 240]


def test_a_clock_that_jumps_back_does_not_take_the_virtual_time_with_it(tmp_path: Path) -> None:
    bodies = [body(NOON + 600), body(NOON), body(NOON + 300), body(NOON + 900)]
    feed = CapturedFeed(folder_of(tmp_path, bodies))
    assert [feed.time(poll) - NOON for poll in range(4)] == [600, 660, 720, 900]


def test_a_day_is_local(tmp_path: Path) -> None:
    midnight = dt.datetime(2026, 5, 20, tzinfo=dt.UTC).timestamp()
    bodies = [body(int(midnight) + 3600 * hour) for hour in range(-3, 3)]
    folder_of(tmp_path, bodies)
    assert CapturedFeed(tmp_path, dt.date(2026, 5, 20)).polls == 3
    assert CapturedFeed(tmp_path, dt.date(2026, 5, 20), "Europe/Berlin").polls == 5
    with pytest.raises(ReplayError, match="none of the 6 captured bodies"):
        CapturedFeed(tmp_path, dt.date(2026, 5, 22))


@pytest.mark.parametrize(
    ("last_updated", "version", "served"),
    [
        ("2026-05-20T14:00:00+02:00", "3.0", "3.0"),
        ("2026-05-20T12:00:00Z", "3.1-RC", "3.1-RC"),
        (NOON, None, "1.0"),
        (str(NOON), "1.1", "1.1"),
    ],
)
def test_versions_write_the_time_differently(
    tmp_path: Path, last_updated: Any, version: str | None, served: str
) -> None:
    feed = CapturedFeed(folder_of(tmp_path, [body(last_updated, version)]))
    assert feed.versions == (served,)
    assert feed.time(0) == NOON


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<html>", "not JSON"),
        (b"[]", "not a JSON object"),
        (body("yesterday"), "last_updated"),
        (body(None), "last_updated"),
        (body("2026-05-20T12:00:00"), "last_updated"),
        (body(10**30), "last_updated"),
        (body(NOON, "../.."), "version"),
    ],
)
def test_a_body_that_is_no_gbfs_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    folder_of(tmp_path, [body(NOON), content])
    with pytest.raises(ReplayError, match=complaint) as caught:
        CapturedFeed(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "001.json"))


def test_a_torn_gzip_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(body(NOON))[:-9])
    with pytest.raises(ReplayError, match=r"a\.json\.gz: cannot read"):
        CapturedFeed(tmp_path)


def test_an_empty_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no captured bodies"):
        CapturedFeed(tmp_path)
    with pytest.raises(ReplayError, match="no such folder"):
        CapturedFeed(tmp_path / "none")


def test_the_real_captures(shared_data: Path) -> None:
    home = shared_data / "gbfs" / "tier_wolfsburg"
    assert CapturedFeed(home).polls == 77
    feed = CapturedFeed(home, dt.date(2023, 8, 1))
    assert feed.polls == 41
    times = [feed.time(poll) for poll in range(41)]
    bodies = [json.loads(feed.vehicle_status("2.3", poll)) for poll in range(41)]
    assert times == [body["last_updated"] for body in bodies]
    assert times == sorted(times)
    assert feed.documents("2.3", 0)["vehicle_types"] == (home / "vehicle_types.json").read_bytes()
