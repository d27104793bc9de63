import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.region import Region
from tasks.release.manifest import PublicManifest
from tasks.release.page import render_page
from tasks.release.tables import published_table

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
MakeManifest = Callable[..., PublicManifest]

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """The tags, the attributes and the text of a page; refuses tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
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
    return render_page(make_manifest(region), published_table(make_rows(region, 500)))


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    reader = Reader(page)
    assert not {"script", "iframe", "object", "embed", "img", "base", "form"} & {
        tag for tag, _ in reader.tags
    }
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "xlink:href"):
            target = attributes.get(name) or "#"
            local = r"#[a-z]+|[A-Za-z.]+|data:,"
            assert re.fullmatch(local, target) or target == "#", (tag, target)
    assert not re.search(r"https?://|//[a-z]|url\(|@import", page)


def test_its_own_policy_allows_its_style_and_nothing_else(page: str) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in Reader(page).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>")


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
    region = make_region(name=name, licence=name)
    page = render_page(make_manifest(region), make_rows(region, 20))
    plain = make_region()
    expected = Reader(render_page(make_manifest(plain), make_rows(plain, 20)))
    found = Reader(page)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in expected.tags]
    assert name in found.text
    assert f"Licence: {name}." in found.text


def test_ten_areas_and_27000_rows_stay_small(
    make_region: MakeRegion, make_manifest: MakeManifest, make_rows: MakeRows
) -> None:
    areas = [
        {"name": f"area-{i}", "south": i, "west": 0, "north": i + 0.6, "east": 0.7}
        for i in range(30, 40)
    ]
    region = make_region(service_area=areas)
    page = render_page(make_manifest(region, rows={"trips": 27_000}), make_rows(region, 27_000))
    assert len(page.encode()) < 1_500_000
    maps = [a for tag, a in Reader(page).tags if (a.get("class") or "").startswith("plot map")]
    assert len(maps) == 20


def test_a_day_without_gaps_says_so(
    region: Region, make_manifest: MakeManifest, make_rows: MakeRows, sealed: dict[str, object]
) -> None:
    feeds = sealed["feeds"]
    assert isinstance(feeds, dict)
    feeds["one"] |= {"gaps": [], "coverage": 1.0}
    page = render_page(make_manifest(region, sealed=sealed), make_rows(region, 20))
    assert "100 % answered, no gap" in page
    assert "The gaps of feed" not in page


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_a_browser_draws_it_without_complaint(page: str, width: int, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(page, encoding="utf-8")
    run = subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            f"--screenshot={tmp_path / 'page.png'}",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in run.stderr
    assert (tmp_path / "page.png").stat().st_size > 20_000
