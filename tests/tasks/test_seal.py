import pytest

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


def test_a_day_without_polls_gives_one_line(layout: Layout) -> None:
    with pytest.raises(NothingCollectedError, match="region 'test': nothing was collected on"):
        seal(region_of("http://a.example/"), DAY)
