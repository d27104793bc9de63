"""The citation, held against the schema of the Citation File Format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tasks.region import Region
from tasks.release.descriptions import descriptions
from tasks.release.manifest import PublicManifest

SCHEMA = json.loads(
    (Path(__file__).parent / "schemas" / "citation-file-format-1.2.0.json").read_bytes()
)


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "CC0-1.0", "ODbL-1.0", "My own & only"])
@pytest.mark.parametrize("publisher", [None, "City of Town"])
def test_it_is_valid(
    licence: str,
    publisher: str | None,
    make_region: Callable[..., Region],
    make_manifest: Callable[..., PublicManifest],
) -> None:
    manifest = make_manifest(make_region(licence=licence, publisher=publisher))
    document: dict[str, Any] = yaml.safe_load(descriptions(manifest)["CITATION.cff"])
    jsonschema.validate(document, SCHEMA)
    assert document.get("license") == (None if " " in licence else licence)
    assert document["authors"] == [{"name": publisher or "opentrips"}]
    assert document["date-released"] == "2026-05-21"
    assert document["title"] == "Town: synthetic scooter and bike trips of 2026-05-20"
