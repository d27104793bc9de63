import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.region import Region
from tasks.release.bundle import publish_first
from tasks.release.errors import ReleaseError
from tasks.release.manifest import PublicManifest

Make = Callable[..., PublicManifest]


def test_it_says_what_a_reader_needs(region: Region, make_manifest: Make) -> None:
    fields = make_manifest(region).fields()
    assert fields["rows"] == 500
    assert fields["guarantee"] == {
        "unit": "trip",
        "max_trips_per_vehicle": None,
        "adjacency": "zero_out",
        "epsilon": 1.0,
        "delta": 1e-6,
    }
    assert fields["mechanism"]["noise_multiplier"] == 6.8231
    assert fields["accountant"]["epsilon_pld"] <= fields["accountant"]["epsilon_rdp"]
    assert fields["capture"]["feeds"][0]["gaps"] == [
        ["2026-05-20T09:14:00Z", "2026-05-20T09:25:00Z"]
    ]
    assert fields["service_day"] == "2026-05-20"


def test_whether_an_answer_was_new_stays_private(region: Region, make_manifest: Make) -> None:
    """A 304 says that no vehicle moved; one trip less can turn a 200 into one."""
    (feed,) = make_manifest(region).capture.feeds
    assert feed.outcomes == {"answered": 1_424, "timeout": 9, "http_error": 3}


def planted(source: Any, marks: list[str]) -> Any:
    """A copy with a private key beside every key of every object, at every depth."""
    if isinstance(source, list):
        return [planted(item, marks) for item in source]
    if not isinstance(source, dict):
        return source
    mark = f"planted{len(marks)}"
    marks.append(mark)
    inner = {key: planted(value, marks) for key, value in source.items()}
    return {**inner, f"key_{mark}": f"value_{mark}", f"list_{mark}": [f"item_{mark}"]}


def test_nothing_private_reaches_a_public_file(
    region: Region,
    make_manifest: Make,
    make_rows: Callable[[Region, int], Any],
    sealed: dict[str, Any],
    model: dict[str, Any],
    tmp_path: Path,
) -> None:
    marks: list[str] = []
    sealed = planted(copy.deepcopy(sealed), marks)
    model = planted(copy.deepcopy(model), marks)
    checks = planted({"expectations": 43, "warnings": []}, marks)
    model |= {"loss": 3.14159265, "gradient_norms": [2.71828182], "seed": "5ecre7"}
    sealed["checked"] = {"one.parquet": {"quarantined": 777_888, "reasons": {"why_not": 777_889}}}
    assert len(marks) > 8

    def manifest_of(files: Any) -> PublicManifest:
        return make_manifest(
            region, sealed=sealed, model=model, checks=checks, files=files, rows={"trips": 500}
        )

    rows = {"trips": make_rows(region, 500)}
    release = publish_first(tmp_path / "town" / "2026-05-20", rows, manifest_of)
    published = b"".join(path.read_bytes() for path in release.iterdir()).decode("latin-1")
    private = ["planted", "3.14159", "2.71828", "5ecre7", "why_not", "no_position", "98765432"]
    private += [
        "7654321",
        "7,654,321",
        "8643",
        "8,643",
        "4242",
        "4,242",
        "777888",
        "777889",
        "abababab",
    ]
    private += ["vehicles_", "first_fetched", "not_modified", "1111", "1,111", "313 "]
    # the page's packed rows and its library hold any short number sooner or later
    read = re.sub(r'<script type="(text/plain|module)".*?</script>', "", published, flags=re.DOTALL)
    for word in private:
        if word[0].isdigit():
            assert not re.search(rf"(?<!\d){re.escape(word)}(?!\d)", read), word
        else:
            assert word not in published, word


def test_more_epsilon_than_promised_is_never_published(
    region: Region, make_manifest: Make, model: dict[str, Any]
) -> None:
    model["privacy"]["epsilon_pld"] = 1.001
    with pytest.raises(ReleaseError, match=r"town 2026-05-20: .* 1.001 is over the promised 1.0"):
        make_manifest(region, model=model)


def test_a_noisy_count_is_named_where_the_number_of_trips_is_private(
    region: Region, make_manifest: Make, model: dict[str, Any], vehicle_model: dict[str, Any]
) -> None:
    fields = make_manifest(region, model=vehicle_model).fields()
    assert fields["mechanism"]["count"] == {
        "name": "discrete_laplace",
        "sensitivity": 4,
        "numbers": 1,
        "scale": "80",
    }
    assert make_manifest(region, model=model).fields()["mechanism"]["count"] is None
    model["privacy"]["adjacency"] = "add_remove"
    with pytest.raises(ReleaseError, match="noisy count"):
        make_manifest(region, model=model)
    vehicle_model["privacy"]["adjacency"] = "zero_out"
    with pytest.raises(ReleaseError, match="vehicle_day needs adjacency add_remove"):
        make_manifest(region, model=vehicle_model)


@pytest.mark.parametrize(
    ("part", "key"),
    [("privacy", "delta"), ("privacy", "mechanism"), ("synthesizer", "levels")],
)
def test_a_missing_fact_gets_one_line(
    part: str, key: str, region: Region, make_manifest: Make, model: dict[str, Any]
) -> None:
    del model[part][key]
    with pytest.raises(ReleaseError, match=key) as caught:
        make_manifest(region, model=model)
    assert "\n" not in str(caught.value)


def test_a_refusal_shows_no_private_value(
    region: Region, make_manifest: Make, sealed: dict[str, Any]
) -> None:
    sealed["feeds"]["one"]["due"] = "secret-4711"
    with pytest.raises(ReleaseError) as caught:
        make_manifest(region, sealed=sealed)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


COUNTS = {
    "name": "gaussian_counts",
    "noise_multiplier": 4.2,
    "trips_per_unit": 4,
    "tables": [{"name": "hours", "cells": 24, "distinct": 1, "multiplier": 1, "sigma": "70"}],
}


@pytest.mark.parametrize("part", ["mechanism", "count"])
def test_rule_15_noise_for_fewer_trips_than_a_unit_has_is_never_published(
    part: str, region: Region, make_manifest: Make, vehicle_model: dict[str, Any]
) -> None:
    vehicle_model["privacy"]["mechanism"] = COUNTS
    assert make_manifest(region, model=vehicle_model).mechanism.name == "gaussian_counts"
    field = {"mechanism": "trips_per_unit", "count": "sensitivity"}[part]
    vehicle_model["privacy"][part] = {**vehicle_model["privacy"][part], field: 1}
    with pytest.raises(ReleaseError, match="noised for 1 trips"):
        make_manifest(region, model=vehicle_model)
