import re
from collections.abc import Callable
from typing import Any

import pytest

from tasks.region import Region
from tasks.release.card import render_card
from tasks.release.manifest import PublicManifest
from tasks.release.page import render_page
from tasks.schema import RELEASE


def test_the_card_says_what_it_is(
    region: Region, make_manifest: Callable[..., PublicManifest]
) -> None:
    card = render_card(make_manifest(region))
    assert "---\n\n# Town, Wednesday 20 May 2026\n" in card
    for column in RELEASE.columns:
        assert f"| `{column.name}` |" in card
    for words in ("500", "epsilon = 1", "10⁻⁶", "98.8 %", "CC-BY-4.0", "cd" * 32):
        assert words in card
    assert "| 100 | 100 | nothing is promised |" in card


def test_every_table_is_whole(region: Region, make_manifest: Callable[..., PublicManifest]) -> None:
    card = render_card(make_manifest(region))
    for block in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_the_card_names_the_areas_that_are_polygons(
    make_region: Callable[..., Region], make_manifest: Callable[..., PublicManifest]
) -> None:
    triangle = [[8.0, 50.0], [8.1, 50.0], [8.1, 50.1], [8.0, 50.0]]
    plain = {"name": "plain", "south": 51, "west": 8, "north": 52, "east": 9}
    region = make_region(service_area=[plain, {"name": "old-town", "polygons": [[triangle]]}])
    manifest = make_manifest(region)
    assert "only polygons are served: old-town." in render_card(manifest)
    assert "only polygons are served" not in render_card(make_manifest(make_region()))
    assert manifest.region.service_area == region.service_area
    assert PublicManifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_card_and_page_name_the_unit_that_is_protected(
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    make_rows: Callable[[Region, int], Any],
    vehicle_model: dict[str, Any],
) -> None:
    manifest = make_manifest(region, model=vehicle_model)
    card, page = render_card(manifest), render_page(manifest, {"trips": make_rows(region, 50)})
    for words in ("for one vehicle and day, adjacency add\\_remove", "Vehicles one person rode"):
        assert words in card
    for words in (
        "Epsilon, for one vehicle",
        "by number of vehicles in the day",
        "count_noise_scale",
    ):
        assert words in page
    assert "for one trip" not in card + page


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "a | b",
        "![x](https://evil.example/x.png)",
        "# heading\n\n- list",
        "`code` *stars* _line_ ~~gone~~ &amp;",
    ],
)
def test_a_name_with_markup_is_only_a_name(
    name: str, make_region: Callable[..., Region], make_manifest: Callable[..., PublicManifest]
) -> None:
    manifest = make_manifest(make_region())
    place = manifest.region.model_copy(update={"name": name})
    card = render_card(manifest.model_copy(update={"region": place}))
    title = next(line for line in card.splitlines() if line.startswith("# "))
    shown = title.removeprefix("# ").removesuffix(", Wednesday 20 May 2026")
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(name.split())
    assert not re.search(r"(?<!\\)[<>|`*_\[\]~&!]", shown)
