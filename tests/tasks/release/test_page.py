import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tasks.region import Region
from tasks.release.manifest import PublicManifest
from tasks.release.page import render_page
from tasks.release.tables import published_table, write_parquet

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
MakeManifest = Callable[..., PublicManifest]

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """The tags, the attributes and the text of a page; refuses tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"closed but never opened: {tag}"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.fixture
def page(region: Region, make_manifest: MakeManifest, make_rows: MakeRows) -> str:
    return render_page(make_manifest(region), {"trips": published_table(make_rows(region, 500))})


def without_scripts(page: str) -> str:
    return re.sub(r"(<script[^>]*>).*?</script>", r"\1</script>", page, flags=re.DOTALL)


def test_nothing_is_fetched(page: str) -> None:
    reader = Reader(page)
    assert not {"iframe", "object", "embed", "img", "base", "form"} & {
        tag for tag, _ in reader.tags
    }
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "xlink:href"):
            target = attributes.get(name) or "#"
            local = r"#[a-z]+|[A-Za-z0-9.]+|data:,|\.\./\.\./index\.html#[a-z0-9-]+"
            assert re.fullmatch(local, target) or target == "#", (tag, target)
    assert "src" not in {name for tag, names in reader.tags if tag == "script" for name in names}
    assert not re.search(r"https?://|//[a-z]|url\(|@import", without_scripts(page))


def test_its_own_policy_allows_its_style_and_scripts_and_nothing_else(page: str) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in Reader(page).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    scripts = re.findall(r'<script(?: type="module")?>(.*?)</script>', page, re.DOTALL)
    assert len(scripts) == 2
    assert rules == {
        "default-src": "'none'",
        "script-src": " ".join(source(script) for script in scripts),
        "style-src": source(style[1]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script>")


def source(text: str) -> str:
    """What allows a text in a policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_it_can_be_heard(page: str) -> None:
    reader = Reader(page)
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = [a.get("aria-label") for tag, a in reader.tags if "plot" in (a.get("class") or "")]
    assert len(names) == 5
    assert all(names)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("table") == tags.count("caption")
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.tags:
        assert attributes.get("aria-labelledby", ids[0]) in ids
        href = attributes.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids
    assert ("html", {"lang": "en"}) in reader.tags


def test_it_tells_guarantee_capture_and_files(page: str) -> None:
    text = " ".join(Reader(page).text.split())
    for words in (
        "k times that epsilon",
        "is not protected",
        "98.8 % answered, 1 gap (mark in the line), the longest 11 min",
        "answered 1,424, timeout 9, http error 3",
        "11:14:00 11:25:00 11 min",
        "trips.parquet 12 kB",
        "cd" * 32,
        "pd.read_parquet",
        "Feed one was due 1,440 times",
    ):
        assert words in text


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title></style><b>",
        "{{ 7 * 7 }} {% raw %}",
        "\u202eright to left \u202c & co",
    ],
)
def test_names_with_markup_are_only_names(
    name: str, make_region: MakeRegion, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    region = make_region()
    manifest, rows = make_manifest(region), {"trips": make_rows(region, 20)}
    expected = Reader(render_page(manifest, rows))
    place = manifest.region.model_copy(update={"name": name})
    page = render_page(manifest.model_copy(update={"region": place, "licence": name}), rows)
    found = Reader(page)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in expected.tags]
    assert name in found.text
    assert f"Licence:  {name} ." in found.text


def test_ten_areas_and_27000_rows_stay_small(
    make_region: MakeRegion, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    areas = [
        {"name": f"area-{i}", "south": i, "west": 0, "north": i + 0.6, "east": 0.7}
        for i in range(30, 40)
    ]
    region = make_region(service_area=areas)
    rows = {"trips": make_rows(region, 27_000)}
    page = render_page(make_manifest(region, rows={"trips": 27_000}), rows)
    assert len(page.encode()) < 1_500_000
    maps = [a for tag, a in Reader(page).tags if (a.get("class") or "").startswith("plot map")]
    assert len(maps) == 20


def test_a_day_without_gaps_says_so(
    region: Region, make_manifest: MakeManifest, make_rows: MakeRows, sealed: dict[str, object]
) -> None:
    feeds = sealed["feeds"]
    assert isinstance(feeds, dict)
    feeds["one"] |= {"gaps": [], "coverage": 1.0}
    page = render_page(make_manifest(region, sealed=sealed), {"trips": make_rows(region, 20)})
    assert "100 % answered, no gap" in page
    assert "The gaps of feed" not in page


def test_a_million_rows_stay_small_and_the_page_says_what_is_drawn(
    region: Region, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    rows = {"trips": make_rows(region, 1_000_000)}
    page = render_page(make_manifest(region, rows={"trips": 1_000_000}), rows)
    assert len(page.encode()) < 1_500_000
    facts = re.search(r'id="map-facts">(.*?)</script>', page)
    assert facts is not None
    layer = json.loads(facts[1])["layers"]["origins"]
    assert (layer["drawn"], layer["all"]) == (50_000, 1_000_000)


def test_the_page_leads_to_its_day_in_the_calendar_of_all_days(
    region: Region, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    page = render_page(make_manifest(region), {"trips": make_rows(region, 20)})
    links = [attributes.get("href") for tag, attributes in Reader(page).tags if tag == "a"]
    assert "../../index.html#town-2026-05-20" in links


def test_a_description_for_machines_is_part_of_the_page(
    region: Region, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    document = {"@type": "Dataset", "name": "</script><b>"}
    page = render_page(make_manifest(region), {"trips": make_rows(region, 20)}, described=document)
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1]) == document


def test_error_bars_are_drawn_where_a_release_has_intervals(
    region: Region,
    make_manifest: MakeManifest,
    make_rows: MakeRows,
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> None:
    manifest, rows = make_manifest(region), make_rows(region, 500)
    plain = render_page(manifest, {"trips": rows})
    page = render_page(manifest, {"trips": rows, "intervals": make_intervals(region, rows)})
    assert 'class="whisker"' not in plain
    assert page.count('class="whisker"') > 24
    noon = int((rows["hour"].to_numpy() == 12).sum())
    text = " ".join(Reader(page).text.split())
    assert f"12:00 {noon} {max(noon - 10, 0)} to {noon + 10}" in text
    assert "90 of 100 cases" in text
    assert "True number" not in " ".join(Reader(plain).text.split())


def test_the_lines_that_load_the_data_do(
    page: str, region: Region, make_rows: MakeRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = published_table(make_rows(region, 500))
    write_parquet(rows, tmp_path / "trips.parquet")
    monkeypatch.chdir(tmp_path)
    pandas_lines, duckdb_lines, r_lines = (
        html.unescape(code) for code in re.findall(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)
    )
    *setup, last = pandas_lines.splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(setup), names)
    busiest = eval(last, names)
    expected = rows.to_pandas().groupby(["area", "hour"]).size().max()
    assert busiest.iloc[0] == expected
    assert len(busiest) == 10
    found = duckdb.connect().execute(duckdb_lines).fetchall()
    assert found[0][2] == expected
    assert len(found) == 10
    assert 'arrow::read_parquet("trips.parquet")' in r_lines
