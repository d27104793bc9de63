import datetime as dt
from pathlib import Path

import pytest

from tasks import exchange
from tasks.files import Layout, read_manifest, write_manifest
from tasks.files.store import StoreError
from tasks.region import Region, load_region

DAY = dt.date(2026, 5, 20)
DEMO = Path(__file__).parents[2] / "deployments" / "regions" / "demo.yaml"


@pytest.fixture
def region() -> Region:
    return load_region(DEMO)


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENTRIPS_PRIVATE_STORE", (tmp_path / "stores" / "private").as_uri())
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", (tmp_path / "stores" / "public").as_uri())
    return tmp_path / "stores"


def on_machine(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Layout:
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / name))
    return Layout.from_environment()


def finish(directory: Path, text: str) -> None:
    directory.mkdir(parents=True)
    (directory / "rows").write_text(text)
    write_manifest(directory, {}, ["rows"])


def test_private_and_public_rooms_go_to_their_own_stores(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = on_machine("one", monkeypatch, tmp_path)
    for room in (exchange.model, exchange.release):
        finish(room(layout, region, DAY), "x")
        exchange.keep(room, region, DAY)
    found = sorted(path.relative_to(stores).as_posix() for path in stores.rglob("rows"))
    assert found == ["private/demo/model/2026-05-20/rows", "public/demo/2026-05-20/r1/rows"]


def test_what_is_unfinished_is_not_stored(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = exchange.model(on_machine("one", monkeypatch, tmp_path), region, DAY)
    directory.mkdir(parents=True)
    (directory / "checkpoint").write_text("half")
    exchange.keep(exchange.model, region, DAY)
    assert not stores.exists()


def test_another_machine_goes_on_from_the_stores(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(exchange.derived(on_machine("one", monkeypatch, tmp_path), region, DAY), "trips")
    exchange.keep(exchange.derived, region, DAY)
    layout = on_machine("two", monkeypatch, tmp_path)
    exchange.fetch([exchange.derived, exchange.sightings_before], region, DAY)
    assert (exchange.derived(layout, region, DAY) / "rows").read_text() == "trips"
    assert not exchange.sightings_before(layout, region, DAY).exists()


def test_a_release_made_too_late_gives_way_to_the_published_one(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for machine in ("one", "two"):
        layout = on_machine(machine, monkeypatch, tmp_path)
        finish(exchange.release(layout, region, DAY), machine)
        exchange.keep(exchange.release, region, DAY)
    assert (exchange.release(layout, region, DAY) / "rows").read_text() == "one"


def test_models_of_all_days_are_brought_for_the_chain(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = on_machine("one", monkeypatch, tmp_path)
    days = [DAY - dt.timedelta(days=back) for back in (1, 2)]
    for day in days:
        finish(exchange.model(layout, region, day), str(day))
        exchange.keep(exchange.model, region, day)
    layout = on_machine("two", monkeypatch, tmp_path)
    exchange.fetch_models(region)
    assert [(exchange.model(layout, region, day) / "rows").read_text() for day in days] == [
        "2026-05-19",
        "2026-05-18",
    ]


def test_the_manifests_of_all_releases_are_known_and_only_they(
    region: Region, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = on_machine("one", monkeypatch, tmp_path)
    finish(exchange.release(layout, region, DAY), "x")
    exchange.keep(exchange.release, region, DAY)
    layout = on_machine("two", monkeypatch, tmp_path)
    here, elsewhere = exchange.published(layout)
    assert not here.exists()
    (path,) = (path for path in elsewhere.rglob("*") if path.is_file())
    assert path.relative_to(elsewhere).as_posix() == "demo/2026-05-20/r1/manifest.json"
    assert read_manifest(path.parent) is not None


@pytest.mark.parametrize("public", ["store", "store/private", "."])
def test_what_is_private_must_not_lie_in_what_is_public(
    public: str, region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_PRIVATE_STORE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", (tmp_path / public).resolve().as_uri())
    with pytest.raises(StoreError, match="must not lie within each other"):
        exchange.fetch([exchange.model], region, DAY)


def test_without_stores_nothing_happens(
    region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = on_machine("one", monkeypatch, tmp_path)
    exchange.fetch([exchange.model, exchange.release], region, DAY)
    exchange.fetch_models(region)
    exchange.keep(exchange.model, region, DAY)
    assert exchange.published(layout) == [layout.all_releases]
    assert not (tmp_path / "one").exists()
