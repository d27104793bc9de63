import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from flows.cli import main
from tasks.archive.dataset_hub import mirror_to_dataset_hub
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.files import Layout
from tasks.files.store import Store
from tasks.mirror import mirror
from tasks.withdraw import withdraw
from tests.tasks.archive.hubs import Ckan, Hub, running
from tests.tasks.archive.published import NEXT, plant, region_of_trips
from tests.tasks.derived_day import DAY

REPOSITORY = "city/trips"
ADDRESS = "https://example.org/trips"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Hub, str]]:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    server = Hub(REPOSITORY)
    with running(server, "Bearer hf_secret") as address:
        yield server, address


def mirrored(layout: Layout, endpoint: str) -> str:
    store = Store.at(layout.all_releases.as_uri())
    return mirror_to_dataset_hub(store, publish_archive(store, ADDRESS), REPOSITORY, endpoint)


@pytest.mark.slow
def test_a_dataset_hub_has_what_the_archive_has_after_one_commit(
    trips: Layout, hub: tuple[Hub, str]
) -> None:
    server, address = hub
    said = mirrored(trips, address)
    store = Store.at(trips.all_releases.as_uri())
    names = set(store.listing())
    assert said == f"{REPOSITORY}: {len(names) + 1} files changed"
    assert set(server.files) == names | {"README.md", ".gitattributes"}
    assert all(server.files[name] == store.read(name) for name in names)
    assert len(server.commits) == 2
    front = yaml.safe_load(server.files["README.md"].split(b"---")[1])
    assert front["configs"] == [
        {"config_name": "trips", "data_files": "trips.parquet/**/*.parquet"}
    ]
    assert front["license"] == "cc-by-4.0"
    assert mirrored(trips, address) == f"{REPOSITORY}: has all of it already"
    assert len(server.commits) == 2


def test_what_is_withdrawn_leaves_the_dataset_hub(trips: Layout, hub: tuple[Hub, str]) -> None:
    server, address = hub
    mirrored(trips, address)
    withdraw(region_of_trips(), DAY, "Wrong.")
    mirrored(trips, address)
    assert len(server.commits) == 3
    kept = {name for name in server.files if name.startswith(f"demo/{DAY}/")}
    documents = ("manifest.json", "withdrawal.json", "index.html", "README.md")
    assert kept == {f"demo/{DAY}/r1/{name}" for name in documents}
    assert f"trips.parquet/region=demo/day={DAY}/trips.parquet" not in server.files


def test_of_two_who_mirror_at_once_both_end_with_all(trips: Layout, hub: tuple[Hub, str]) -> None:
    server, address = hub
    mirrored(trips, address)
    plant(trips, "antwerp", dt.date(2026, 6, 1))
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda _: mirrored(trips, address), range(2)))
    assert said[0].endswith("files changed")
    assert "antwerp/2026-06-01/r1/trips.parquet" in server.files
    assert len(server.commits) == sum("changed" in line for line in said) + 2


def test_a_hub_that_refuses_is_said_in_one_line(
    trips: Layout, hub: tuple[Hub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = hub
    server.repository = "city/other"
    with pytest.raises(ArchiveError, match=r"^city/trips: the hub refuses: .*404"):
        mirrored(trips, address)
    with pytest.raises(ArchiveError, match="the hub refuses"):
        mirrored(trips, "http://127.0.0.1:9")


@pytest.fixture
def ckan(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Ckan, str]]:
    monkeypatch.setenv("OPENTRIPS_CKAN_KEY", "k3y")
    server = Ckan("city", "k3y")
    with running(server, "k3y") as address:
        yield server, f"ckan:{address}/city"


def test_a_ckan_catalogue_has_a_dataset_for_each_region(
    trips: Layout, ckan: tuple[Ckan, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, target = ckan
    monkeypatch.setenv("OPENTRIPS_PUBLIC_URL", ADDRESS)
    plant(trips, "antwerp", DAY)
    assert mirror(target) == ["opentrips-antwerp: made", "opentrips-demo: made"]
    made = server.datasets["opentrips-demo"]
    assert made["url"] == f"{ADDRESS}/demo/{NEXT}/r1/index.html"
    assert [each["url"] for each in made["resources"]] == [
        f"{ADDRESS}/demo/{NEXT}/r1/{name}"
        for name in ("index.html", "trips.parquet", "trips.csv.gz")
    ]
    assert {"key": "epsilon", "value": "1"} in made["extras"]
    assert set(mirror(target)) == {
        "opentrips-antwerp: is up to date",
        "opentrips-demo: is up to date",
    }
    withdraw(region_of_trips(), NEXT, "Wrong.")
    assert mirror(target)[1] == "opentrips-demo: brought up to date"
    assert server.datasets["opentrips-demo"]["id"] == made["id"]
    assert server.datasets["opentrips-demo"]["url"] == f"{ADDRESS}/demo/{DAY}/r1/index.html"


def test_what_is_wrong_with_a_mirror_is_said_in_one_line(
    trips: Layout,
    ckan: tuple[Ckan, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, target = ckan
    for wrong in ("city/trips", "hf:trips", "ckan:host/city", "ftp://host/city"):
        assert main(["mirror", wrong]) == 1
        assert f"{wrong}: no mirror; write hf:OWNER/NAME or ckan:" in capsys.readouterr().err
    assert main(["mirror", target]) == 1
    assert "set OPENTRIPS_PUBLIC_URL" in capsys.readouterr().err
    monkeypatch.setenv("OPENTRIPS_PUBLIC_URL", ADDRESS)
    assert main(["mirror", target.replace("/city", "/village")]) == 1
    assert "the catalogue refuses" in capsys.readouterr().err
    monkeypatch.setenv("OPENTRIPS_CKAN_KEY", "another")
    assert main(["mirror", target]) == 1
    assert "the catalogue refuses" in capsys.readouterr().err
