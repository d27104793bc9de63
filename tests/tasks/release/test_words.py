import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import Region
from tasks.release.manifest import FileFacts, PublicManifest
from tasks.release.numbers import percent
from tasks.release.words import (
    cautions,
    group_guarantee,
    limits,
    making,
    measured,
    promise,
)


@given(st.floats(0.05, 10), st.floats(1e-9, 1e-5), st.integers(1, 30))
def test_group_privacy_is_one_step_after_the_other(
    epsilon: float, delta: float, trips: int
) -> None:
    """k neighbouring steps: delta_k = sum of e^(i epsilon) delta."""
    group = group_guarantee(epsilon, delta, trips)
    expected = math.fsum(delta * math.exp(i * epsilon) for i in range(trips))
    assert group.epsilon == pytest.approx(trips * epsilon)
    assert group.delta == pytest.approx(min(expected, 1.0), rel=1e-9)


def test_a_thousand_trips_do_not_overflow() -> None:
    assert group_guarantee(10.0, 1e-6, 1000).delta == 1.0


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_up(share: float) -> None:
    assert float(percent(share).removesuffix(" %")) <= share * 100 + 1e-9


def test_the_words_carry_the_numbers_of_the_manifest(
    region: Region, make_manifest: Callable[..., PublicManifest]
) -> None:
    manifest = make_manifest(region)
    text = " ".join([*promise(manifest), *making(manifest), *limits(manifest)])
    for number in ("2.72 times", "10⁻⁶", "500 rows", "300 steps", "6.823", "0.9999", "98.8 %"):
        assert number in text
    for honest in ("k times that epsilon", "is not protected", "public while they are live"):
        assert honest in text


def test_the_words_say_what_ends_were_moved_to(
    make_region: Callable[..., Region], make_manifest: Callable[..., PublicManifest]
) -> None:
    region = make_region(snap={"file": "/home/me/roads.geojson", "credit": "© The city, CC0"})
    ways = {"file": "roads.geojson", "sha256": "0123456789abcdef" * 4, "within_m": 80.5}
    manifest = make_manifest(region, generated={"ways": ways, "ends": {"all": 1000, "moved": 987}})
    assert manifest.fields()["snapping"] == {
        **ways,
        "credit": "© The city, CC0",
        "ends": 1000,
        "moved": 987,
    }
    text = " ".join(making(manifest))
    for said in (
        "a public file, roads.geojson (SHA-256 0123456789abcdef, all",
        "by 80.5 m at most: 987 of 1,000 ends",
        "Roads and docks: © The city, CC0",
    ):
        assert said in text
    assert "/home/me" not in str(manifest.fields())
    assert "road" not in " ".join(making(make_manifest(region, generated={"ways": None})))


def test_the_words_say_what_the_unit_and_the_adjacency_protect(
    region: Region, make_manifest: Callable[..., PublicManifest], vehicle_model: dict[str, Any]
) -> None:
    manifest = make_manifest(region, model=vehicle_model)
    text = " ".join([*promise(manifest), *making(manifest)])
    for said in (
        "one vehicle did on this day",
        "rode k vehicles",
        "how many trips the day had is private",
        "standard deviation 113",
        "at most 4 trips were used",
        "each vehicle enters each step",
        "over all its trips is clipped",
    ):
        assert said.lower() in text.lower()
    assert "exactly as many" not in text
    count = {"sensitivity": 1, "scale": "20"}
    vehicle_model["privacy"] |= {"unit": "trip", "max_trips_per_vehicle": None, "count": count}
    text = " ".join(promise(make_manifest(region, model=vehicle_model)))
    assert "and that it took place" in text
    assert "empty record" not in text
    assert "k times that epsilon" in text


def test_a_small_or_incomplete_day_carries_a_caution(
    region: Region, make_manifest: Callable[..., PublicManifest], sealed: dict[str, Any]
) -> None:
    assert cautions(make_manifest(region, rows={"trips": 1_000})) == ()
    (small,) = cautions(make_manifest(region, rows={"trips": 999}))
    assert "999 trips" in small
    sealed["feeds"]["one"]["coverage"] = 0.142
    (incomplete,) = cautions(make_manifest(region, rows={"trips": 1_000}, sealed=sealed))
    assert "only 14.2 %" in incomplete


def counted(model: dict[str, Any], days: int, **privacy: Any) -> dict[str, Any]:
    """The model of a measured synthesizer with so many days behind it."""
    table = {"name": "hours", "cells": 24, "distinct": 1, "multiplier": 1, "sigma": "17/2"}
    mechanism = {
        "name": "gaussian_counts",
        "noise_multiplier": 4.2,
        "trips_per_unit": model["privacy"]["max_trips_per_vehicle"] or 1,
        "tables": [table],
    }
    has_parent = days > 1
    history = {
        "day": "2026-05-20",
        "measured": "ab" * 32,
        "link": "cd" * 32,
        "days": days,
        "parent": "ef" * 32 if has_parent else None,
        "parent_day": "2026-05-25" if has_parent else None,
    }
    privacy = {**model["privacy"], "mechanism": mechanism, "history": history, **privacy}
    synthesizer = {"name": "trip_field", "steps": 400}
    return {**model, "synthesizer": synthesizer, "privacy": privacy}


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1, "the fit knew this day's counts only"),
        (2, "noise on the one measured before it, 2026-05-25, told"),  # a day that is filled in
        (9, "noise on the 8 measured before it, the last of them 2026-05-25, told"),
    ],
)
def test_the_words_say_which_days_stand_behind_a_release(
    days: int,
    said: str,
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    model: dict[str, Any],
) -> None:
    manifest = make_manifest(region, model=counted(model, days))
    assert said in " ".join(making(manifest))
    assert measured(manifest) == ()  # no counts are among the files
    files = {"measurements.parquet": FileFacts(bytes=1, sha256="ab" * 32)}
    manifest = make_manifest(region, model=counted(model, days), files=files)
    fitted = "to these counts and to those of the days" if days > 1 else "to these counts."
    assert f"was fitted {fitted}" in " ".join(measured(manifest))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1, "the training started from public weights"),
        (2, "weights made with noise on the one trained before it, 2026-05-25, are those"),
        (9, "noise on the 8 trained before it, the last of them 2026-05-25, are those"),
    ],
)
def test_the_words_say_which_days_a_training_started_from(
    days: int,
    said: str,
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    model: dict[str, Any],
) -> None:
    history = counted(model, days)["privacy"]["history"]
    told = {**model, "privacy": {**model["privacy"], "history": history}}
    assert said in " ".join(making(make_manifest(region, model=told)))


def test_the_words_say_which_trips_are_counted(
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    model: dict[str, Any],
    vehicle_model: dict[str, Any],
) -> None:
    files = {"measurements.parquet": FileFacts(bytes=1, sha256="ab" * 32)}
    for made, said in (
        (model, "each is the true number of trips plus noise"),
        (vehicle_model, "the true number of trips used, at most 4 of each vehicle, plus noise"),
    ):
        manifest = make_manifest(region, model=counted(made, 1), files=files)
        assert said in " ".join(measured(manifest))
    assert "count of those used, at most 4 of each vehicle, with" in " ".join(promise(manifest))
