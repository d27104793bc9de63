from collections.abc import Callable
from typing import Any

from tasks.region import Region
from tasks.release.manifest import ANSWERED, PublicManifest
from tasks.release.missing import _WHY, missing
from tasks.schema.polls import OUTCOMES, SEEN

MakeManifest = Callable[..., PublicManifest]


def test_gaps_and_failures_are_told_in_words(region: Region, make_manifest: MakeManifest) -> None:
    of_feed, of_gaps = missing(make_manifest(region))
    assert of_feed == (
        "Feed one was due 1,440 times, once every 60 s, and 98.8 % of that was answered. "
        "9 polls got no whole answer in time and 3 polls got an error from the feed's server. "
        "It was not seen from 11:14 to 11:25 (11 min)."
    )
    assert "no sign of a quiet city" in of_gaps


def test_a_whole_day_misses_nothing(
    region: Region, make_manifest: MakeManifest, sealed: dict[str, Any]
) -> None:
    whole = {"gaps": [], "coverage": 1.0, "outcomes": {"ok": 1_440}, "longest_gap_seconds": 0.0}
    sealed["feeds"]["one"] |= whole
    (of_feed,) = missing(make_manifest(region, sealed=sealed))
    assert of_feed.endswith("100 % of that was answered. No poll failed. There is no gap.")


def test_many_gaps_are_counted(
    region: Region, make_manifest: MakeManifest, sealed: dict[str, Any]
) -> None:
    sealed["feeds"]["one"]["gaps"] *= 4
    sealed["feeds"]["one"]["outcomes"] = {"ok": 1_400, "unreachable": 1}
    told = missing(make_manifest(region, sealed=sealed))[0]
    assert "1 poll did not reach the feed's server." in told
    assert told.endswith("There are 4 gaps, the longest of 11 min.")


def test_every_outcome_has_its_words() -> None:
    assert {*_WHY, *SEEN} == set(OUTCOMES)
    assert ANSWERED not in _WHY
