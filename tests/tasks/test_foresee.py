import datetime as dt
from pathlib import Path

import pytest

from tasks import exchange
from tasks.files import Layout, write_manifest
from tasks.foresee import Foresight, foresee
from tasks.ledger import charge_request
from tasks.privacy.errors import LedgerError
from tasks.privacy.ledger import Ledger
from tasks.refusal import note_refusal
from tasks.region import Region
from tests.tasks.conftest import DAY, region_of

LATER = dt.datetime.combine(DAY, dt.time(), dt.UTC) + dt.timedelta(days=1)
REGION = region_of("https://fleet.example/gbfs.json", source="fleet")


def finish(directory: Path) -> None:
    directory.mkdir(parents=True)
    write_manifest(directory, {}, [])


@pytest.fixture(autouse=True)
def collected(layout: Layout) -> Layout:
    """The day is sealed."""
    finish(layout.sightings("test", DAY))
    return layout


def charge(layout: Layout, region: Region = REGION, ending: str = "") -> None:
    with Ledger(layout.ledger) as ledger:
        request = charge_request(region, DAY, mechanism={}, fingerprint=region.id, steps_allowed=9)
        lease = ledger.reserve(request, "run")
        ledger.start_steps(lease, 1)
        if ending:
            getattr(ledger, ending)(lease)


def seen(region: Region = REGION, now: dt.datetime = LATER) -> tuple[str, float, str]:
    found = foresee(region, DAY, now)
    assert isinstance(found, Foresight)
    assert (found.region, found.day) == (region.id, DAY)
    return found.would, found.epsilon, found.reason


def test_a_collected_day_would_be_charged(layout: Layout) -> None:
    assert seen() == ("release", 1.0, "collected, not charged")
    assert not layout.ledger.exists()  # looking makes nothing


def test_a_day_with_a_journal_only_is_collected(layout: Layout) -> None:
    layout.sightings("test", DAY).rename(layout.root / "away")
    assert seen() == ("skip", 0.0, "nothing collected")
    (layout.journal("test", "feed") / DAY.isoformat()).mkdir(parents=True)
    assert seen()[0] == "release"


def test_a_day_that_is_not_over_is_left_to_its_night() -> None:
    assert seen(now=LATER - dt.timedelta(seconds=1)) == ("skip", 0.0, "not over")
    assert seen(now=LATER)[0] == "release"


def test_a_published_day_is_skipped_even_if_its_raw_data_are_gone(layout: Layout) -> None:
    layout.sightings("test", DAY).rename(layout.root / "away")
    charge(layout, ending="finish")
    with Ledger(layout.ledger) as ledger:
        (made,) = ledger.charges()
    release = layout.releases("test", DAY) / "r1"
    release.mkdir(parents=True)
    named = {"key": made.charge_key, "sources": list(made.sources)}
    facts = {"region": {"id": "test"}, "service_day": str(DAY), "revision": 1, "charge": named}
    write_manifest(release, {**facts, "mechanism": {"steps": 1}}, [])
    assert seen() == ("skip", 0.0, "published already")
    layout.ledger.unlink()
    with pytest.raises(LedgerError, match="never begin anew"):
        seen()


def test_a_day_in_the_stores_counts_as_one_here(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_PRIVATE_STORE", (tmp_path / "private").as_uri())
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", (tmp_path / "public").as_uri())
    exchange.keep(exchange.sightings, REGION, DAY)
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / "elsewhere"))
    assert seen()[0] == "release"
    finish(Layout.from_environment().model("test", DAY))
    exchange.keep(exchange.model, REGION, DAY)
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / "third"))
    assert seen() == ("publish", 0.0, "from its stored model")


@pytest.mark.parametrize("ending", ["", "finish"])
def test_a_charged_day_goes_on_at_no_cost(layout: Layout, ending: str) -> None:
    charge(layout, ending=ending)
    assert seen() == ("resume", 0.0, "charged, not finished")


def test_a_burned_day_is_beyond_its_cap(layout: Layout) -> None:
    charge(layout, ending="burn")
    would, epsilon, reason = seen()
    assert (would, epsilon) == ("skip", 0.0)
    assert reason.startswith("beyond its cap: the day's budget is spent")


def test_a_day_that_another_region_has_spent_is_beyond_its_cap(layout: Layout) -> None:
    charge(layout, REGION.model_copy(update={"id": "other"}))
    assert seen()[2].startswith("beyond its cap")


def test_a_refused_day_is_tried_again_and_its_reason_told() -> None:
    note_refusal(REGION, DAY, "the capture fails")
    assert seen() == ("release", 1.0, "refused before: the capture fails")


def test_a_region_that_yields_nothing_costs_nothing() -> None:
    poor = region_of("https://fleet.example/gbfs.json", id_regime="per_poll")
    assert seen(poor) == ("release", 0.0, "nothing is released of its feeds")
