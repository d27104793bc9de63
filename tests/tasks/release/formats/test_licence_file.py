"""The licence file of a release."""

from collections.abc import Callable

import pytest

from tasks.region import Region
from tasks.release.descriptions import descriptions
from tasks.release.manifest import FileFacts, PublicManifest

MakeRegion = Callable[..., Region]
MakeManifest = Callable[..., PublicManifest]


@pytest.mark.parametrize(
    ("licence", "lines"),
    [
        (
            "CC0-1.0",
            [
                "Licence: Creative Commons Zero 1.0 Universal",
                "SPDX-License-Identifier: CC0-1.0",
                "Text: https://creativecommons.org/publicdomain/zero/1.0/",
            ],
        ),
        (
            "EUPL-1.2",
            [
                "Licence: EUPL-1.2",
                "SPDX-License-Identifier: EUPL-1.2",
                "Text: https://spdx.org/licenses/EUPL-1.2.html",
            ],
        ),
        ("ask us", ["Licence: ask us"]),
    ],
)
def test_it_names_the_licence_of_the_region(
    licence: str, lines: list[str], make_region: MakeRegion, make_manifest: MakeManifest
) -> None:
    text = descriptions(make_manifest(make_region(licence=licence)))["LICENSE"]
    assert text.splitlines()[2:-2] == lines
    assert text.splitlines()[-1] == "It applies to all files beside this one."


@pytest.mark.parametrize("credit", [None, "© OpenStreetMap contributors, ODbL 1.0"])
def test_it_does_not_cover_roads_of_others(
    credit: str | None, make_region: MakeRegion, make_manifest: MakeManifest
) -> None:
    region = make_region(snap={"file": "roads.geojson", "credit": credit})
    ways = {"file": "roads.geojson", "sha256": "0123456789abcdef" * 4, "within_m": 80.5}
    files = {"ways.geojson.gz": FileFacts(bytes=9, sha256="ab" * 32)}
    found = descriptions(
        make_manifest(region, generated={"ways": ways, "ends": {"all": 9, "moved": 7}}, files=files)
    )
    last = found["LICENSE"].splitlines()[-1]
    assert last.startswith("It applies to all files beside this one, but for ways.geojson.gz: ")
    assert last.endswith(credit or "Ask whoever made it for its licence.")
    assert (f'"title": "{credit}"' in found["datapackage.json"]) == (credit is not None)
