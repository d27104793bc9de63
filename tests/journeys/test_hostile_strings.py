"""A feed and a region that write markup, formulas and marks wherever they may write text."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests
import yaml
from huggingface_hub import DatasetCard
from playwright.sync_api import Browser

from flows.cli import main
from infra.replay import Answer, ReplayServer, city_day
from infra.replay.feeds import document
from tasks.files import Layout
from tasks.mobility.sealed import trips_of_feed
from tasks.region import load_region
from tests.journeys.conftest import DAY, EveryNth, collect_whole_day, region_of
from tests.journeys.test_minimise import contents

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.org/trips"
EVERY = 10  # the feed plays every tenth poll of the city
MARK = "zqMark"
"""Stands in every text of the feed but the system's name, and nowhere else; an id has none."""
HOSTILE = (
    f'<script>alert("{MARK}")</script>',
    f'"><img src=x onerror=alert("{MARK}")>',
    f"=cmd|' /C {MARK}'!A0",
    f"@SUM({MARK})",
    f"+1+{MARK}",
    f"-1-{MARK}",
    f"\u202e{MARK}\u202c\u2066\u200f",
    f"{MARK}\x00\x07\x1b[31m\x85",
    MARK * 683,  # 4 kilobytes
    f"\"{MARK}\" 'and' \\ back",
    f"{{{{ 7 * 7 }}}}{{% raw %}}{MARK}",
    f"</script></style></title><b>{MARK}",
    f"]]>{MARK}<![CDATA[<!--",
    f"\t{MARK}\r\n=1+1\n---\nlicense: mit",
    f"javascript:alert('{MARK}')\u2028",
)
NAME = (
    '=1+1 <script>alert(1)</script>"><img src=x onerror=alert(1)>\x1b[31m\x00 {{ 7 }} ]]> \u202e\\'
)
"""The system's name, which a look writes into the region's file."""
NAMED = '=1+1 <script>alert(1)</script>"><img src=x onerror=alert(1)>[31m {{ 7 }} ]]> \\'
WRITTEN = {
    "publisher": "@SUM(1) </script><img src=x onerror=alert(2)> ${x} `ls` {% raw %} & 'co' \\",
    "licence": f'"><b>+1</b>{"=" * 4096}</style>',
}
"""What somebody who knows no better writes into a region's file."""
CREDIT = "-1 </title><script>alert(3)</script> ]]> [a](javascript:alert(4)) | cell"
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters but for tabulators and line feeds, and marks that turn text around."""


class HostileFeed(EveryNth):
    """A feed that names everything in the worst way."""

    def vehicle_status(self, version: str, poll: int) -> bytes:
        body = json.loads(super().vehicle_status(version, poll))
        (vehicles,) = body["data"].values()
        id_key = "vehicle_id" if version >= "3" else "bike_id"
        for vehicle in vehicles:
            number = int(vehicle[id_key], 16)
            vehicle |= {
                id_key: f"{said(number)}{number}",
                "vehicle_type_id": said(number),
                "pricing_plan_id": said(number + 1),
                "rental_uris": {"web": said(number + 2)},
            }
        return json.dumps(body).encode()

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        files, time = super().documents(version, poll), self.time(poll)
        system = json.loads(files["system_information"])
        for number, key in enumerate(("system_id", "operator", "license_url", "attribution_url")):
            system["data"][key] = said(number)
        system["data"]["name"] = [{"text": NAME, "language": said(0)}] if version >= "3" else NAME
        return {
            "system_information": json.dumps(system).encode(),
            "vehicle_types": document(version, time, {"vehicle_types": list(map(_type, HOSTILE))}),
            "station_information": document(version, time, {"stations": _stations()}),
            "geofencing_zones": document(version, time, {"geofencing_zones": _zones()}),
        }


def said(number: int) -> str:
    return HOSTILE[number % len(HOSTILE)]


def _type(text: str) -> dict[str, Any]:
    facts = ("vehicle_type_id", "form_factor", "propulsion_type", "name", "make", "model")
    return dict.fromkeys(facts, text)


def _stations() -> list[dict[str, Any]]:
    return [
        {"station_id": text, "name": text, "lat": 38.2 + i / 200, "lon": -85.8 + i / 100}
        for i, text in enumerate(HOSTILE)
    ]


def _zones() -> dict[str, Any]:
    """One over the city, and one far enough to be an area of its own."""
    features = []
    for number, east in ((0, 0.0), (12, 0.4)):
        west, south, right, north = -85.82 + east, 38.18, -85.64 + east, 38.3
        ring = [[west, south], [right, south], [right, north], [west, north], [west, south]]
        rules = [{"ride_allowed": True, "ride_start_allowed": True, "ride_end_allowed": True}]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]},
                "properties": {"name": said(number), "rules": rules},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def broken(path: str, before: int) -> Any:
    """Every fifth poll brings a hostile text, and the discovery file lists more than there is."""
    if path.endswith("gbfs.json"):
        return _listing_more
    if path.endswith("status.json") and before % 5 == 4:
        text = said(before // 5)
        headers = {"X-Note": HOSTILE[0], "Retry-After": HOSTILE[2], "Content-Type": HOSTILE[1]}
        return Answer(500 if before % 2 else 200, headers, text.encode())
    return None


def _listing_more(answer: Answer) -> Answer:
    is_packed = answer.headers.get("Content-Encoding") == "gzip"
    assert isinstance(answer.body, bytes)
    listing = json.loads(gzip.decompress(answer.body) if is_packed else answer.body)
    more = [{"name": text, "url": text} for text in HOSTILE]
    more += [{"name": "free_bike_status", "url": text} for text in HOSTILE[:1]]
    data = listing["data"]
    if "feeds" in data:
        data["feeds"] += more
    else:
        listing["data"] = {**data, **{text: {"feeds": more} for text in HOSTILE}}
    body = json.dumps(listing).encode()
    headers = {k: v for k, v in answer.headers.items() if k != "Content-Encoding"}
    return answer._replace(headers=headers, body=body)


@pytest.fixture
def feed() -> Iterator[ReplayServer]:
    city = city_day(DAY, vehicles=45, trips=450)
    with ReplayServer(HostileFeed(city, EVERY), faults=broken) as server:
        yield server


def is_shown(line: str) -> bool:
    """Whether a terminal shows all of a line, and obeys none of it."""
    return line.isprintable()


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_what_a_feed_calls_itself_stays_text_in_a_regions_files(
    version: str,
    feed: ReplayServer,
    tmp_path: Path,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"{feed.url}/{version}/gbfs.json"
    region, area, docks = (tmp_path / f"a.{kind}" for kind in ("yaml", "area", "docks"))
    assert main(["look", url, str(region), "--minutes", "60"]) == 0
    assert main(["area", url, str(area)]) == 0
    assert main(["docks", url, str(docks)]) == 0
    said_of_all = capsys.readouterr()
    lines = f"{said_of_all.out}{said_of_all.err}".splitlines()
    assert len(lines) > 15
    assert [line for line in lines if not is_shown(line)] == []
    drafted = load_region(region)
    assert drafted.name == NAMED
    assert all(map(is_shown, region.read_text("utf-8").splitlines()))
    (block,) = (yaml.safe_load(said_of_all.out[said_of_all.out.index("# made from") :]),)
    assert len(block["service_area"]) == 2
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]*", each["name"]) for each in block["service_area"])
    stations = json.loads(docks.read_bytes())["features"]
    assert [each["properties"]["name"] for each in stations] == [t.strip()[:200] for t in HOSTILE]
    assert len(json.loads(area.read_bytes())["features"]) == 2


def test_hostile_ids_are_ids_like_others(feed: ReplayServer, layout: Layout) -> None:
    """What is too long for an id is set aside; all other trips are those of a feed like others."""
    urls = {f"v{v[0]}": f"{feed.url}/{v}/gbfs.json" for v in ("2.3", "3.0")}
    region = region_of(urls, of_each_feed={"poll_seconds": 60 * EVERY})
    manifest = collect_whole_day(region, layout)
    assert MARK not in json.dumps(manifest)
    city = city_day(DAY, vehicles=45, trips=450)
    with ReplayServer(EveryNth(city, EVERY), faults=broken) as plain:
        url = {"plain": f"{plain.url}/2.3/gbfs.json"}
        other = region_of(url, of_each_feed={"poll_seconds": 60 * EVERY}, id="plain")
        collect_whole_day(other, layout)
    sealed = layout.sightings("plain", DAY)
    expected = trips_of_feed(sealed, sealed / "none", other.feeds[0], other).table.to_pylist()
    due = {_moved(row) for row in expected if int(row["vehicle_id"], 16) % len(HOSTILE) != 8}
    assert 50 < len(due) < len(expected)
    sealed = layout.sightings("test", DAY)
    for feed_of in region.feeds:
        found = trips_of_feed(sealed, sealed / "none", feed_of, region).table.to_pylist()
        assert {_moved(row) for row in found} == due
        assert {row["vehicle_type"] for row in found} == {None}


def _moved(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("start_time", "end_time", "origin_latitude", "distance_m"))


@pytest.mark.slow
def test_page_tables_metadata_lines_and_artifacts_stay_safe(
    feed: ReplayServer, tmp_path: Path, data_root: Path, prefect_server: str, browser: Browser
) -> None:
    file = region_file(feed, tmp_path)
    region = load_region(file)
    run = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", str(file), "--day", DAY.isoformat()],
        cwd=ROOT,
        env={
            **os.environ,
            "OPENTRIPS_DATA": str(data_root),
            "OPENTRIPS_PUBLIC_URL": ADDRESS,
            "PREFECT_API_URL": prefect_server,
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for line in f"{run.stdout}{run.stderr}".splitlines():
        assert is_shown(line), line
        assert MARK not in line
    page = Path(run.stdout.splitlines()[-1])
    release, archive = page.parent, page.parents[3]

    for path, told in contents(archive):
        assert MARK.encode() not in told, path
    for path in archive.rglob("*"):
        if path.suffix in (".html", ".json", ".md", ".yaml", ".cff", ".csv", ".atom", ".xml", ""):
            assert path.is_dir() or not OBEYED.search(path.read_text("utf-8")), path
    check_tables(release)
    check_metadata(release, region.id)
    check_archive(archive)
    for each in (page, archive / "index.html", archive / region.id / "index.html"):
        check_in_a_browser(browser, each)
    check_what_staff_see(prefect_server, region.id)


def region_file(feed: ReplayServer, folder: Path) -> Path:
    """A region as a person makes it of a look, an area and docks, with their own words."""
    url, area = f"{feed.url}/2.3/gbfs.json", folder / "area.geojson"
    drafted, file = folder / "drafted.yaml", folder / "region.yaml"
    docks = folder / 'docks "><img src=x onerror=alert(5)>.geojson'
    assert main(["look", f"{url}?look", str(drafted), "--minutes", "60"]) == 0
    assert main(["area", url, str(area)]) == 0
    assert main(["docks", url, str(docks)]) == 0
    region = yaml.safe_load(drafted.read_text("utf-8"))
    names = [each["properties"]["name"] for each in json.loads(area.read_bytes())["features"]]
    of_feed = {
        "id": "feed",
        "url": f"{url}?<script>alert(6)</script>",
        "source": "=fleet </script><b>",
        "poll_seconds": 60 * EVERY,
        "clock": "feed",
    }
    region |= {
        "service_area": [{"name": name, "file": area.name} for name in names],
        "time_zone": "America/Kentucky/Louisville",
        "feeds": [of_feed],
        "capture": {"min_coverage": 0.5},
        "trips": {"min_per_day": 50},
        "guarantee": {"epsilon": 1.0},
        "synthesizer": {"name": "trip_net", "steps": 10, "levels": 2, "hidden_units": 8},
        "snap": {"file": docks.name, "within_m": 500, "credit": CREDIT},
        **WRITTEN,
    }
    file.write_text(yaml.safe_dump(region), encoding="utf-8")
    return file


def check_tables(release: Path) -> None:
    """No cell of a CSV is a formula; a number below zero is none."""
    read = 0
    for path in (*release.glob("*.csv"), *release.glob("*.csv.gz")):
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                read += 1
                is_number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)
                assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert read > 1000


def check_metadata(release: Path, region: str) -> None:
    """Every description is what its format asks for, and says the texts as they are."""
    title = f"{NAMED}, {DAY}"
    documents = {path.name: json.loads(path.read_bytes()) for path in release.glob("*.json")}
    assert documents["manifest.json"]["region"] == {
        **documents["manifest.json"]["region"],
        "id": region,
        "name": NAMED,
    }
    package, croissant = documents["datapackage.json"], documents["croissant.json"]
    citation = yaml.safe_load((release / "CITATION.cff").read_text("utf-8"))
    entry = yaml.safe_load((release / "dp_deployment.yaml").read_text("utf-8"))
    card = DatasetCard((release / "README.md").read_text("utf-8"))
    titles = (package["title"], croissant["name"], citation["title"], card.data["pretty_name"])
    assert all(said.startswith(NAMED) for said in titles), (titles, title)
    assert citation["authors"] == [{"name": WRITTEN["publisher"]}]
    assert set(entry["deployment"]) >= {"basic", "privacy_loss"}
    assert WRITTEN["licence"] in (release / "LICENSE").read_text("utf-8")
    assert CREDIT in (release / "LICENSE").read_text("utf-8")


def check_archive(archive: Path) -> None:
    """Feed and sitemap are XML whose texts are the names, and whose links lead to the archive."""
    catalogue = json.loads((archive / "catalog.json").read_bytes())
    assert [each["name"] for each in catalogue["regions"]] == [NAMED]
    for name in ("feed.atom", "sitemap.xml"):
        tree = ET.fromstring((archive / name).read_bytes())
        tags = {each.tag.rpartition("}")[2] for each in tree.iter()}
        assert not tags & {"script", "img", "b"}
        links = [each.get("href") for each in tree.iter() if "href" in each.attrib]
        assert all(str(link).startswith(f"{ADDRESS}/") for link in links)
    feed = ET.fromstring((archive / "feed.atom").read_bytes())
    titles = [each.text for each in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert titles[1:] == [f"{NAMED}, {DAY}"]


def check_in_a_browser(browser: Browser, path: Path) -> None:
    """A page says the names and makes nothing of them, whatever is opened and clicked."""
    told: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    page.wait_for_timeout(500)
    assert told == []
    assert {each for each in asked if not each.startswith("data:")} == {path.as_uri()}
    assert NAMED in " ".join(str(page.text_content("body")).split())
    assert page.locator("img, b, i, iframe, object, embed, base, form, header script").count() == 0
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert not [name for name in page.evaluate(handlers) if name.startswith("on")]
    links = page.evaluate("[...document.querySelectorAll('a')].map(e => e.href)")
    assert all(str(link).startswith("file:") for link in links)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def check_what_staff_see(server: str, region: str) -> None:
    """Logs and artifacts of the run hold nothing of the feed's and nothing that is obeyed."""
    logs = everything(server, "logs", {})
    assert len(logs) > 10
    for line in logs:
        assert MARK not in line["message"]
        assert not OBEYED.search(line["message"]), line["message"]
    artifacts = [each for each in everything(server, "artifacts", {}) if region in each["key"]]
    keys = {str(each["key"]).partition("-")[0] for each in artifacts}
    assert keys >= {"collect", "coverage", "check", "release"}
    for each in artifacts:
        text = f"{each['data']}{each['description']}"
        assert MARK not in text
        assert not OBEYED.search(text), text


def everything(server: str, kind: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """All logs or artifacts that a Prefect server has, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        asked = {**query, "limit": 200, "offset": len(found)}
        answer = requests.post(f"{server}/{kind}/filter", json=asked, timeout=30)
        answer.raise_for_status()
        if not answer.json():
            return found
        found += answer.json()
