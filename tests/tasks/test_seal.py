import json

import pytest
import requests

from tasks.files import Layout, read_manifest
from tasks.journal import NothingCollectedError
from tasks.poll import poll_shift
from tasks.seal import seal
from tests.tasks.conftest import DAY, FeedServer, minutes, region_of, replayed

pytestmark = pytest.mark.usefixtures("tasks_alone")


def test_a_collected_day_is_sealed_once(feed_server: FeedServer, layout: Layout) -> None:
    region = region_of(feed_server.serve_in_turn("/v", replayed(minutes(0, 1))), clock="feed")
    poll_shift(region, "feed", DAY)
    manifest = seal(region, DAY)
    assert manifest["feeds"]["feed"]["rows"] == 6
    assert manifest == read_manifest(layout.sightings("test", DAY))
    assert seal(region, DAY) == manifest


def test_staff_see_coverage_and_gaps_and_no_number_of_vehicles(
    feed_server: FeedServer, layout: Layout, prefect_server: str
) -> None:
    times = minutes(0, 1, 2, 31.5, 32, *range(40, 400, 20))
    url = feed_server.serve_in_turn("/v", replayed(times, 4567))
    region = region_of(url, clock="feed").model_copy(update={"id": "seen_town"})
    poll_shift(region, "feed", DAY)
    seal(region, DAY)
    address = f"{prefect_server}/artifacts/coverage-seen-town-{DAY}/latest"
    (row,) = json.loads(requests.get(address, timeout=30).json()["data"])
    assert row == {
        "feed": "feed",
        "coverage": "1.6 %",
        "due polls": 1440,
        "polls": "1 ended, 23 ok",
        "gaps": 20,
        "longest, minutes": 1060.0,
        "from to": "00:02 to 00:31, 00:32 to 00:40, 00:40 to 01:00, 01:00 to 01:20, "
        "01:20 to 01:40, 01:40 to 02:00, 02:00 to 02:20, 02:20 to 02:40, 02:40 to 03:00, "
        "03:00 to 03:20, ...",
    }


def test_a_day_without_polls_gives_one_line(layout: Layout) -> None:
    with pytest.raises(NothingCollectedError, match="region 'test': nothing was collected on"):
        seal(region_of("http://a.example/"), DAY)
