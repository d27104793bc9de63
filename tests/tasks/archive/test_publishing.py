import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest

from flows.cli import main
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.catalogue import make_archives
from tasks.files import Layout
from tasks.files.store import Store, StoreError
from tasks.release.errors import ReleaseError
from tasks.withdraw import withdraw
from tests.tasks.archive.forging import manifest_of, reseal
from tests.tasks.archive.published import NEXT, plant, region_of_trips
from tests.tasks.derived_day import DAY
from tests.tasks.release.test_page import Reader

ROOT = Path(__file__).parents[3]
AT = dt.datetime(2026, 6, 2, 12, 30, tzinfo=dt.UTC)
ADDRESS = "https://example.org/trips"
ATOM = "{http://www.w3.org/2005/Atom}"


def here(layout: Layout) -> Store:
    return Store.at(layout.all_releases.as_uri())


def read(store: Store, name: str) -> Any:
    return json.loads(store.read(name) or b"null")


def revised(layout: Layout, day: dt.date, reason: str) -> None:
    """Plant r2 of a day of the demo."""
    before = layout.releases("demo", day) / "r1"
    revises = {
        "revision": 1,
        "manifest_sha256": "0" * 64,
        "reason": reason,
        "at": "2026-06-01T08:30:00Z",
    }
    release = plant(layout, "demo", day, revision=2, revises=revises)
    reseal(release, history=manifest_of(before)["history"])


def test_the_catalogue_names_every_release_and_the_newest(trips: Layout) -> None:
    revised(trips, NEXT, "The page was wrong.")
    plant(trips, "antwerp", DAY)
    store = here(trips)
    archive = publish_archive(store, None)
    assert [entry.path for entry in archive.offered] == [
        f"antwerp/{DAY}/r1",
        f"demo/{DAY}/r1",
        f"demo/{NEXT}/r2",
    ]
    catalogue = read(store, "catalog.json")
    assert [each["id"] for each in catalogue["regions"]] == ["antwerp", "demo"]
    assert catalogue["regions"][1] == {
        "id": "demo",
        "name": "Demo",
        "first_day": str(DAY),
        "last_day": str(NEXT),
        "days": 2,
        "withdrawn_days": 0,
        "latest": f"demo/{NEXT}/r2",
    }
    listed = {each["path"]: each for each in catalogue["releases"]}
    assert len(listed) == 4
    assert not listed[f"demo/{NEXT}/r1"]["is_newest"]
    assert listed[f"demo/{NEXT}/r2"]["reason"] == "The page was wrong."
    assert listed[f"demo/{DAY}/r1"]["epsilon"] == 1.0
    assert listed[f"demo/{DAY}/r1"]["tables"] == {"trips": 700}
    assert read(store, "demo/latest.json")["path"] == f"demo/{NEXT}/r2"
    (erratum,) = read(store, "errata.json")["errata"]
    assert (erratum["kind"], erratum["at"]) == ("revision", "2026-06-01T08:30:00Z")
    assert erratum["path"] == f"demo/{NEXT}/r2"


def test_what_is_made_depends_on_what_is_published_alone(trips: Layout, tmp_path: Path) -> None:
    revised(trips, DAY, "Other words.")
    publish_archive(here(trips), ADDRESS)
    names = ["catalog.json", "errata.json", "index.html", "feed.atom", "sitemap.xml"]
    names += ["demo/latest.json", "demo/index.html", "demo/feed.atom"]
    made = {name: (trips.all_releases / name).read_bytes() for name in names}
    times = {name: (trips.all_releases / name).stat().st_mtime_ns for name in names}
    publish_archive(here(trips), ADDRESS)
    assert times == {name: (trips.all_releases / name).stat().st_mtime_ns for name in names}
    for name in names:
        (trips.all_releases / name).unlink()
    publish_archive(here(trips), ADDRESS, afresh=True)
    assert made == {name: (trips.all_releases / name).read_bytes() for name in names}


def test_a_known_release_is_not_read_again_unless_asked_for(trips: Layout) -> None:
    publish_archive(here(trips), None)
    (trips.releases("demo", DAY) / "r1" / "manifest.json").write_text("{}")
    assert len(publish_archive(here(trips), None).entries) == 2
    with pytest.raises(ReleaseError, match=r"demo/2026-05-20/r1/manifest\.json: no release's"):
        publish_archive(here(trips), None, afresh=True)


def test_a_manifest_in_a_wrong_place_is_said(trips: Layout) -> None:
    day = trips.releases("demo", NEXT)
    day.rename(day.with_name("2026-05-30"))
    with pytest.raises(ArchiveError, match=f"2026-05-30/r1.*is the manifest of demo {NEXT} r1"):
        publish_archive(here(trips), None)


def test_a_catalogue_of_another_version_is_made_anew(trips: Layout) -> None:
    publish_archive(here(trips), None)
    for content in (b'{"schema_version": 99}', b'{"schema_version": 1, "releases": [{}]}', b"x"):
        here(trips).write("catalog.json", content)
        publish_archive(here(trips), None)
        assert len(read(here(trips), "catalog.json")["releases"]) == 2


def test_one_table_over_all_days_is_read_by_pandas_arrow_and_duckdb(trips: Layout) -> None:
    plant(trips, "antwerp", dt.date(2027, 1, 1))
    publish_archive(here(trips), None)
    folder = trips.all_releases / "trips.parquet"
    frame = pd.read_parquet(folder)
    assert frame.groupby(["region", "day"], observed=True).size().to_dict() == {
        ("antwerp", "2027-01-01"): 700,
        ("demo", str(DAY)): 700,
        ("demo", str(NEXT)): 720,
    }
    assert len(pd.read_parquet(folder, filters=[("day", "==", str(NEXT))])) == 720
    dataset = ds.dataset(folder, partitioning="hive")
    (fragment,) = dataset.get_fragments(filter=ds.field("day") == str(NEXT))
    assert fragment.path.endswith(f"region=demo/day={NEXT}/trips.parquet")
    question = (
        f"FROM read_parquet('{folder}/*/*/*.parquet', hive_partitioning = true) "
        "WHERE region = 'demo' AND day = DATE '2026-05-21'"
    )
    with duckdb.connect() as connection:
        assert connection.sql(f"SELECT count(*) {question}").fetchall() == [(720,)]
        plan = connection.sql(f"EXPLAIN ANALYZE SELECT sum(distance_m) {question}").fetchall()
    assert "1/3" in str(plan)  # files that were read of all


def test_the_view_shares_its_files_with_the_releases_and_follows_a_revision(trips: Layout) -> None:
    publish_archive(here(trips), None)
    shown = trips.all_releases / "trips.parquet" / "region=demo" / f"day={NEXT}" / "trips.parquet"
    assert shown.samefile(trips.releases("demo", NEXT) / "r1" / "trips.parquet")
    revised(trips, NEXT, "Other rows.")
    publish_archive(here(trips), None)
    assert shown.samefile(trips.releases("demo", NEXT) / "r2" / "trips.parquet")
    assert [path.name for path in shown.parent.iterdir()] == ["trips.parquet"]


def test_starts_ends_and_modelled_trips_have_views_of_their_own(ends: Layout) -> None:
    publish_archive(here(ends), None)
    tables = read(here(ends), "catalog.json")["tables"]
    assert set(tables) == {"starts", "ends", "modelled_trips"}
    for name, folder in tables.items():
        rows = pd.read_parquet(ends.all_releases / folder)
        assert len(rows) == manifest_of(ends.releases("demo", DAY) / "r1")["tables"][name]


def test_the_index_shows_a_calendar_and_fetches_nothing(trips: Layout) -> None:
    revised(trips, NEXT, "A <b>sentence</b> & its reason.")
    plant(trips, "antwerp", dt.date(2025, 12, 31))
    plant(trips, "antwerp", dt.date(2026, 1, 1))
    publish_archive(here(trips), ADDRESS)
    page = (trips.all_releases / "index.html").read_text("utf-8")
    reader = Reader(page)
    assert not {"script", "iframe", "img", "form"} & {tag for tag, _ in reader.tags}
    links = [a["href"] for tag, a in reader.tags if tag == "a"]
    for link in links:
        assert link is not None
        assert link.startswith("#") or (trips.all_releases / link).is_file(), link
    days = [a for tag, a in reader.tags if tag == "a" and (a.get("class") or "").startswith("g")]
    assert {day["href"] for day in days} == {
        f"demo/{DAY}/r1/index.html",
        f"demo/{NEXT}/r2/index.html",
        "antwerp/2025-12-31/r1/index.html",
        "antwerp/2026-01-01/r1/index.html",
    }
    assert all("700 synthetic trips, 100 % of polls" in (day["aria-label"] or "") for day in days)
    assert "A &lt;b&gt;sentence&lt;/b&gt; &amp; its reason." in page
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("table") == tags.count("caption") == 4
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    assert all(link[1:] in ids for link in links if link and link.startswith("#"))


def test_a_page_of_each_region_names_its_days_and_files(trips: Layout) -> None:
    revised(trips, NEXT, "Other rows.")
    plant(trips, "antwerp", DAY)
    withdraw(region_of_trips(), DAY, "The <b>wrong</b> city.", AT)
    publish_archive(here(trips), ADDRESS)
    folder = trips.all_releases / "demo"
    page = (folder / "index.html").read_text("utf-8")
    reader = Reader(page)
    assert not {"script", "iframe", "img", "form"} & {tag for tag, _ in reader.tags}
    links = [str(a["href"]) for tag, a in reader.tags if tag == "a"]
    for link in links:
        path = link.partition("#")[0]
        assert link.startswith("#") or (folder / path).is_file(), link
    assert f"../demo/{NEXT}/r2/trips.csv.gz" in links
    assert f"../demo/{DAY}/r1/index.html" in links
    assert not [link for link in links if f"{DAY}/r1/trips" in link or "antwerp" in link]
    assert "Withdrawn: The &lt;b&gt;wrong&lt;/b&gt; city." in page
    assert page.index(f'id="demo-{NEXT}"') < page.index(f'id="demo-{DAY}"')
    assert {"../index.html#region-demo", "latest.json", "feed.atom"} <= set(links)
    index = (trips.all_releases / "index.html").read_text("utf-8")
    assert 'id="region-demo"' in index
    assert '<a href="demo/index.html"><bdi>Demo</bdi></a>' in index
    before_and_after = Reader((folder / str(NEXT) / "r1" / "index.html").read_text("utf-8"))
    assert f"../../index.html#demo-{NEXT}" in [a.get("href") for _, a in before_and_after.tags]
    feed = ET.fromstring((folder / "feed.atom").read_bytes())
    assert {entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")} == {
        f"{ADDRESS}/demo/{path}/index.html" for path in (f"{DAY}/r1", f"{NEXT}/r1", f"{NEXT}/r2")
    }
    assert feed.findtext(f"{ATOM}id") == f"{ADDRESS}/demo/feed.atom"


def test_feed_and_sitemap_name_full_addresses_and_no_time_is_invented(trips: Layout) -> None:
    revised(trips, DAY, "Other\x07\n words.")
    publish_archive(here(trips), ADDRESS)
    feed = ET.fromstring((trips.all_releases / "feed.atom").read_bytes())
    entries = feed.findall(f"{ATOM}entry")
    assert [(e.findtext(f"{ATOM}id"), e.findtext(f"{ATOM}updated")) for e in entries] == [
        (f"{ADDRESS}/demo/{DAY}/r2/index.html", "2026-06-01T08:30:00Z"),
        (f"{ADDRESS}/demo/{NEXT}/r1/index.html", "2026-05-20T22:00:00Z"),
        (f"{ADDRESS}/demo/{DAY}/r1/index.html", "2026-05-20T22:00:00Z"),
    ]
    assert feed.findtext(f"{ATOM}updated") == "2026-06-01T08:30:00Z"
    assert "Revised: Other words." in str(entries[0].findtext(f"{ATOM}summary"))
    sitemap = ET.fromstring((trips.all_releases / "sitemap.xml").read_bytes())
    assert [each.text for each in sitemap.iter() if each.tag.endswith("loc")] == [
        f"{ADDRESS}/index.html",
        f"{ADDRESS}/demo/index.html",
        f"{ADDRESS}/demo/{NEXT}/r1/index.html",
        f"{ADDRESS}/demo/{DAY}/r2/index.html",
    ]


def test_without_an_address_feed_and_sitemap_go_and_that_is_said(
    trips: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_archive(here(trips), ADDRESS)
    said = list(make_archives())
    assert "2 days of 1 regions, 2 offered, 0 withdrawn, 0 errata" in said[0]
    assert "set OPENTRIPS_PUBLIC_URL" in said[1]
    assert not (trips.all_releases / "feed.atom").exists()
    assert not (trips.all_releases / "demo" / "feed.atom").exists()
    assert not (trips.all_releases / "sitemap.xml").exists()
    monkeypatch.setenv("OPENTRIPS_PUBLIC_URL", ADDRESS)
    assert main(["archive"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert (trips.all_releases / "feed.atom").exists()


def test_who_finds_others_publishing_all_the_time_gives_up_and_may_try_again(
    trips: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real = here(trips), Store.listing

    def listing_while_others_publish(self: Store) -> dict[str, str]:
        self.write("catalog.json", os.urandom(8))
        return real(self)

    monkeypatch.setattr(Store, "listing", listing_while_others_publish)
    with pytest.raises(StoreError, match="others publish all the time"):
        publish_archive(store, None)
    assert not (trips.all_releases / "index.html").exists()


def test_an_archive_of_nothing_is_one(data_root: Path) -> None:
    layout = Layout(data_root)
    publish_archive(here(layout), ADDRESS)
    assert read(here(layout), "catalog.json")["releases"] == []
    assert "Nothing is published yet" in (layout.all_releases / "index.html").read_text()


PUBLISHER = """
import datetime as dt, sys
from pathlib import Path
from tasks.archive.publishing import publish_archive
from tasks.files import Layout
from tasks.files.store import Store, StoreError
from tests.tasks.archive.published import plant
layout, store, region = Layout(Path(sys.argv[1])), Store.at(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
for day in range(1, 6):
    release = plant(layout, region, dt.date(2026, 6, day))
    store.publish(f"{region}/2026-06-0{day}/r1", release)
    publish_archive(store, None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "s3"])
def test_publishers_at_once_leave_an_archive_of_all_that_they_published(
    kind: str, trips: Layout, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = (tmp_path / "store").as_uri()
    if kind == "s3":
        url = f"s3://opentrips-public/{request.getfixturevalue('s3')}?profile=public"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(trips.root), url, name],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("antwerp", "bonn")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    said = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=240)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], said
    store = Store.at(url)
    due = [f"{name}/2026-06-0{day}/r1" for name in ("antwerp", "bonn") for day in range(1, 6)]
    assert [each["path"] for each in read(store, "catalog.json")["releases"]] == due
    page = (store.read("index.html") or b"").decode()
    assert all(f"{path}/index.html" in page for path in due)
    listing = store.listing()
    shown = [name for name in listing if name.startswith("trips.parquet/")]
    assert len(shown) == len(due)
    for name in shown:
        _, region, day, _ = name.split("/")
        source = f"{region.removeprefix('region=')}/{day.removeprefix('day=')}/r1/trips.parquet"
        assert store.read(name) == store.read(source)
