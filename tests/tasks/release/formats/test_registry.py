"""The draft for the registry of deployments, held against the fields that its schema has."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tasks.region import Region
from tasks.release.descriptions import descriptions
from tasks.release.manifest import PublicManifest

FIELDS = {
    "basic": {
        *("name", "data_curators", "description", "intended_use", "data_product_type"),
        *("data_product_region", "publication_date", "data_product_sector"),
    },
    "dp_variant": {"variant_name", "data_domain", "unprotected_quantities"},
    "privacy_loss": {
        *("privacy_unit", "privacy_unit_details", "privacy_parameters"),
        "privacy_parameters_details",
    },
    "deployment_model": {
        *("model_name", "model_name_details", "actors", "release_type", "release_type_details"),
        *("data_source_type", "data_source_type_details", "access_type", "access_type_details"),
    },
    "accounting": {"post_processing", "composition"},
    "implementation": {
        *("preprocessing_and_hyperparameter_tuning", "mechanisms", "justification"),
    },
    "administrative": {"sources", "notes", "registry_authors"},
}
"""Sections of a deployment, and the fields that each may have."""
OPTIONAL = {"data_product_sector", "sources"}


@pytest.mark.parametrize("name", ["model", "vehicle_model", "field_model", "ends_model"])
def test_it_is_a_whole_entry_of_the_third_tier(
    name: str,
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    request: pytest.FixtureRequest,
) -> None:
    rows = {"starts": 9, "ends": 8, "modelled_trips": 7} if "ends" in name else {"trips": 9}
    manifest = make_manifest(region, model=request.getfixturevalue(name), rows=rows)
    entry: dict[str, Any] = yaml.safe_load(descriptions(manifest)["dp_deployment.yaml"])
    assert set(entry) == {"url_slug", "status", "tier", "deployment"}
    assert (entry["status"], entry["tier"]) == ("Draft", 3)
    sections = entry["deployment"]
    assert set(sections) == set(FIELDS)
    for section, fields in FIELDS.items():
        assert fields - OPTIONAL <= set(sections[section]) <= fields
        for field, value in sections[section].items():
            if field in ("data_curators", "registry_authors"):
                assert all(isinstance(each, str) for each in value)
            elif field == "privacy_parameters":
                assert value == {"epsilon": 1.0, "delta": 1e-6}
            else:
                assert isinstance(value, str)
                assert value
    assert sections["basic"]["data_product_type"] == "Synthetic data"
    assert sections["dp_variant"]["variant_name"] == "Approximate DP"
    assert sections["basic"]["publication_date"] == "2026-05-21"
