"""The head of the card, as the client of a dataset hub reads it."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from tasks.region import Region
from tasks.release.card import render_card
from tasks.release.manifest import PublicManifest


def test_a_hub_finds_the_tables_and_the_licence(release: Path, kind: str) -> None:
    card = DatasetCard.load(release / "README.md")
    head = vars(card.data)
    assert head["license"] == "cc-by-4.0"
    assert head["size_categories"] == ["n<1K" if kind == "trips" else "1K<n<10K"]
    assert "differential-privacy" in head["tags"]
    tables = {config["config_name"]: config["data_files"] for config in head["configs"]}
    assert next(iter(tables)) == ("trips" if kind == "trips" else "starts")
    for ((files),) in zip(tables.values(), strict=True):
        (file,) = files
        assert file["split"] == "train"
        assert pq.read_metadata(release / file["path"]).num_rows > 0
    assert card.text.lstrip().startswith("# Town, Wednesday 20 May 2026\n")


@pytest.mark.parametrize(
    ("licence", "named"), [("CC0-1.0", "cc0-1.0"), ("ODbL-1.0", "odbl"), ("EUPL-1.2", "other")]
)
def test_licences_have_the_names_that_hubs_use(
    licence: str,
    named: str,
    make_region: Callable[..., Region],
    make_manifest: Callable[..., PublicManifest],
) -> None:
    head = vars(DatasetCard(render_card(make_manifest(make_region(licence=licence)))).data)
    assert head["license"] == named
    assert head.get("license_name") == ("eupl-1.2" if named == "other" else None)
    assert head.get("license_link") == ("LICENSE" if named == "other" else None)
