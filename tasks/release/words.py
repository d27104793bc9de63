"""What a release says to people; the card and the page both say it in these sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.numbers import number, percent, scientific

GROUP_SIZES = (1, 2, 5, 10, 100)
"""Numbers of units (trips, or vehicles) of one person for which the guarantee is spelled out."""

SMALL_DAY = 1_000
"""A release with fewer rows carries a caution."""
GOOD_COVERAGE = 0.95
"""A release of a day with less coverage carries a caution."""

SUMMARY = (
    "Synthetic trips that follow the pattern of one day of scooter and bike trips. "
    "No row is a real trip, a vehicle or a person."
)


@dataclass(frozen=True)
class GroupGuarantee:
    """The guarantee for all units of a person together.

    Attributes:
        units: The person's number of trips in the day; under `vehicle_day` of vehicles ridden.
        epsilon: Their joint privacy loss.
        delta: Probability that it is exceeded; at 1 or above nothing is promised.
    """

    units: int
    epsilon: float
    delta: float


def group_guarantee(epsilon: float, delta: float, units: int) -> GroupGuarantee:
    """What holds for a person with that many units in the day.

    Group privacy: epsilon grows to k epsilon and delta to
    delta (e^(k epsilon) - 1) / (e^epsilon - 1) (S. Vadhan, "The Complexity of Differential
    Privacy", 2017, lemma 2.2).

    Args:
        epsilon: For one unit, > 0.
        delta: For one unit, 0 < delta < 1.
        units: Number of units k, >= 1.

    Examples:
        >>> group_guarantee(1.0, 1e-6, 1)
        GroupGuarantee(units=1, epsilon=1.0, delta=1e-06)
        >>> group = group_guarantee(1.0, 1e-6, 10)
        >>> group.epsilon, round(group.delta, 4)
        (10.0, 0.0128)
    """
    total = units * epsilon
    # In logarithms, because e^(k epsilon) overflows where nothing is promised anyway.
    log_growth = total + math.log(-math.expm1(-total)) - math.log(math.expm1(epsilon))
    grown = delta * math.exp(log_growth) if log_growth < -math.log(delta) else 1.0
    return GroupGuarantee(units, total, delta if units == 1 else min(grown, 1.0))


def cautions(manifest: PublicManifest) -> Sequence[str]:
    """What must be read before anything else, judged by public facts only; often nothing."""
    found = []
    if (revises := manifest.revises) is not None:
        found.append(
            f"Revision r{manifest.revision} takes the place of r{revises.revision} since "
            f"{revises.at:%Y-%m-%d}: {revises.reason}"
        )
    if manifest.rows < SMALL_DAY:
        found.append(
            f"A small day: with {manifest.rows:,} {row_noun(manifest)}s the noise outweighs most "
            "of what the day "
            "held. Do not read patterns into it."
        )
    if manifest.capture.coverage < GOOD_COVERAGE:
        found.append(
            f"An incomplete day: only {percent(manifest.capture.coverage)} of the polls that were "
            "due were answered. Trips within the gaps are missing, and so are their hours."
        )
    return tuple(found)


def row_noun(manifest: PublicManifest) -> str:
    """What a row of the first table is, for people."""
    return "start" if manifest.is_of_ends else "trip"


def unit(manifest: PublicManifest) -> str:
    """The unit of the guarantee, for people."""
    if manifest.is_of_ends:
        return "ride"
    return {"trip": "trip", "vehicle_day": "vehicle"}[manifest.guarantee.unit]


def promise(manifest: PublicManifest) -> Sequence[str]:
    """The guarantee, in sentences."""
    return (
        _what_is_protected(manifest),
        *_of_a_person(manifest),
        _number_of_trips(manifest),
        "The feeds are public while they are live: whoever polled them then holds the positions "
        "of the vehicles. The promise is about what this release adds to that.",
    )


def _what_is_protected(manifest: PublicManifest) -> str:
    guarantee = manifest.guarantee
    epsilon = guarantee.epsilon
    bound = (
        "every possible outcome of what is published here would have been at most "
        f"{math.exp(epsilon):.3g} times as likely or as unlikely (e to the power of epsilon = "
        f"{number(epsilon)}), but for a probability of at most delta = "
        f"{scientific(guarantee.delta)}."
    )
    if guarantee.unit == "vehicle_day":
        return (
            "What is protected is all that one vehicle did on this day: every one of its trips, "
            "and that it made any. Had any single vehicle not been there that day, or one more, "
            + bound
        )
    protected = "What is protected is one trip: where it started, where it ended, and when"
    if guarantee.adjacency == "add_remove":
        return (
            f"{protected}, and that it took place. Had any single trip not been made that day, or "
            f"one more, {bound}"
        )
    return f"{protected}. Had any single trip of the day been replaced by an empty record, {bound}"


def _of_a_person(manifest: PublicManifest) -> Sequence[str]:
    if manifest.guarantee.unit == "vehicle_day":
        return (
            "A person who rode k vehicles has k times that epsilon, on one day or over many days "
            "of this archive. What a vehicle did on one day belongs to exactly that day, so a "
            "further day published adds nothing to it.",
        )
    return (
        "A person with k trips has k times that epsilon, on one day or over many days of this "
        "archive. Each trip belongs to exactly one day, so a further day published adds nothing "
        "to the trips of this one.",
    )


def _number_of_trips(manifest: PublicManifest) -> str:
    if (count := manifest.mechanism.count) is None:
        return (
            f"That a trip took place is not protected: the {manifest.rows:,} rows are exactly as "
            "many as the trips of the day (adjacency zero_out)."
        )
    spread = math.sqrt(2) * float(Fraction(count.scale))
    return (
        f"How many trips the day had is private: the {manifest.rows:,} rows are a count of those"
        f"{_used(manifest)} with noise of standard deviation {spread:,.0f} (adjacency add_remove). "
        "Epsilon covers the count as well."
    )


def making(manifest: PublicManifest) -> Sequence[str]:
    """How the rows came about, in sentences."""
    accountant = manifest.accountant
    return (
        "Public GBFS feeds were polled through the day. Two consecutive positions of one vehicle "
        "more than 100 m apart are a move; a move with both ends in the service area, no gap of "
        "the capture within and a possible speed is a trip.",
        "How each feed names its vehicles is declared in public beforehand. Every day it is "
        "measured again; a difference alerts staff and decides nothing about that day's release.",
        *_bounding(manifest),
        _mechanism(manifest),
        *days_behind(manifest),
        f"Accounted for from the mechanism itself, epsilon is {number(accountant.epsilon_pld)} by "
        "privacy loss distributions, which counts, and "
        f"{number(accountant.epsilon_rdp)} by Renyi divergences, as a cross-check "
        f"({accountant.method}).",
        f"The {manifest.rows:,} rows were then drawn from the model, without another look at the "
        f"trips, and checked against {manifest.checks.expectations:,} expectations that know "
        "synthetic rows and public constants only.",
        *snapping(manifest),
    )


def snapping(manifest: PublicManifest) -> Sequence[str]:
    """What the ends of rows were moved to, in sentences; none where they were not."""
    if (to := manifest.snapping) is None:
        return ()
    said = (
        "Before the check ends were moved to the nearest road or dock of a public file, "
        f"{to.file} (SHA-256 {to.sha256[:16]}, all of it in manifest.json), by "
        f"{number(to.within_m)} m at most: {to.moved:,} of {to.ends:,} ends. The others stayed "
        "where they were drawn, with none that near, or in a trip that would have become no longer "
        "than 100 m. That looks at the rows and the file alone and costs no privacy. "
        "What of the file lies in the service area is in ways.geojson.gz."
    )
    return (said,) if to.credit is None else (said, f"Roads and docks: {to.credit}")


def _mechanism(manifest: PublicManifest) -> str:
    """What ran on the trips."""
    mechanism, synthesizer = manifest.mechanism, manifest.synthesizer.name
    if isinstance(mechanism, GaussianCounts):
        cells = sum(table.cells for table in mechanism.tables)
        return (
            f"For the synthesizer {synthesizer} the trips were counted once, in "
            f"{len(mechanism.tables)} tables of {cells:,} cells in all: places, hours, distances, "
            "directions and flows. Every count got noise from a discrete Gaussian; that of all "
            f"tables together is {number(mechanism.noise_multiplier)} times what one "
            f"{unit(manifest)} can change in them. The counts with their noise are all that was "
            "ever looked at of the day: a density of hour, origin and destination was fitted to "
            "them."
        )
    of_all = " over all its trips" if manifest.guarantee.unit == "vehicle_day" else ""
    return (
        f"The synthesizer {synthesizer} was trained on those trips by DP-SGD, over "
        f"{mechanism.steps:,} steps (and {mechanism.reserve_steps:,} accounted for in reserve): "
        f"each {unit(manifest)} enters each step with probability "
        f"{number(mechanism.sampling_probability)}, its gradient{of_all} is clipped to a norm of "
        f"{number(mechanism.l2_norm_clip)}, and Gaussian noise with "
        f"{number(mechanism.noise_multiplier)} times that norm as its standard deviation is added "
        "to the sum."
    )


def days_behind(manifest: PublicManifest) -> Sequence[str]:
    """Which days the model knew of, where it knew of any."""
    if (history := manifest.history) is None:
        return ()
    is_counted = isinstance(manifest.mechanism, GaussianCounts)
    if history.days == 1:
        alone = (
            "the fit knew this day's counts only"
            if is_counted
            else "the training started from public weights"
        )
        return (f"No day before it stands behind this release: {alone}.",)
    verb = "measured" if is_counted else "trained"
    before = (
        f"the one {verb} before it, {history.parent_day},"
        if history.days == 2
        else f"the {history.days - 1} {verb} before it, the last of them {history.parent_day},"
    )
    told = (
        f"what was counted with noise on {before} told the fit what to expect of this one."
        if is_counted
        else f"the weights made with noise on {before} are those that the training started from."
    )
    return (
        f"{history.days} {verb} days stand behind this release: {told} That was paid for by its "
        f"own budgets and costs nothing again: a {unit(manifest)} of those days is protected by "
        "their own guarantees.",
    )


def fitted_to(manifest: PublicManifest) -> str:
    """What the density was fitted to, in words."""
    history = manifest.history
    if history is None or history.days == 1:
        return "these counts"
    return "these counts and to those of the days that stand behind them"


def _used(manifest: PublicManifest) -> str:
    """Which trips are counted, where it is not all of them."""
    most = manifest.guarantee.max_trips_per_vehicle
    return "" if most is None else f" used, at most {most} of each vehicle,"


def _bounding(manifest: PublicManifest) -> Sequence[str]:
    if (most := manifest.guarantee.max_trips_per_vehicle) is None:
        return ()
    return (
        f"Of each vehicle at most {most} {'trip' if most == 1 else 'trips'} were used, by secret "
        "random choice; a vehicle that made more is represented by that many.",
    )


def limits(manifest: PublicManifest) -> Sequence[str]:
    """What the rows cannot tell, in sentences."""
    return (
        "A trip is inferred from two positions: where the vehicle went in between is unknown, "
        "the distance is a straight line, and the hour is that of the arrival. A vehicle that "
        "its operator moved looks like a trip.",
        "Nothing links two rows to one vehicle or one person.",
        "Noise hides what few trips do: the more rows a number counts, the more it says. A single "
        "map cell, a rare hour or one pair of origin and destination says little.",
        f"The feeds answered {percent(manifest.capture.coverage)} of the polls that were due; "
        "trips within a gap are missing.",
    )


def file_words(name: str) -> str:
    """What a published file is.

    Examples:
        >>> file_words("field.json")
        'where and how that density is laid out'
    """
    return _FILES[name]


def file_order(name: str) -> int:
    """Where a published file stands in lists of them."""
    return list(_FILES).index(name)


_FILES = {
    "trips.parquet": "the synthetic trips, as Parquet",
    "trips.csv.gz": "the same rows, as CSV",
    "trips.geo.parquet": "the same rows as lines, as GeoParquet",
    "starts.parquet": "synthetic starts of rides, as Parquet",
    "starts.csv.gz": "the same rows, as CSV",
    "starts.geo.parquet": "the same rows as points, as GeoParquet",
    "ends.parquet": "synthetic ends of rides, as Parquet",
    "ends.csv.gz": "the same rows, as CSV",
    "ends.geo.parquet": "the same rows as points, as GeoParquet",
    "modelled_trips.parquet": "trips modelled from starts and ends, as Parquet",
    "modelled_trips.csv.gz": "the same rows, as CSV",
    "modelled_trips.geo.parquet": "the same rows as lines, as GeoParquet",
    "locations.csv": "places of 0.01 by 0.01 degrees, for viewers of flow maps",
    "flows.csv": "numbers of synthetic trips between these places, for the same viewers",
    "measurements.parquet": "every count that was taken of the day, with its noise",
    "intervals.parquet": "how far the true numbers of the day may be from the rows",
    "field.npz": "the density that was fitted to the counts, as arrays",
    "field.json": "where and how that density is laid out",
    "ways.geojson.gz": "the roads and docks that ends were moved to, as GeoJSON",
    "sampler.pyz": "draws further rows from the density: python sampler.pyz 1000000",
    "checks.html": "what was expected of the rows and what was found, as a page",
    "checks.json": "the same, for machines",
    "README.md": "the card: all of this page's words, for the folder and for dataset hubs",
    "LICENSE": "under which licence these files are",
    "CHANGELOG.md": "what a revision changed",
    "CITATION.cff": "how to cite the release, in the Citation File Format",
    "datapackage.json": "columns and hashes of the data files, as a Data Package",
    "croissant.json": "the same for machine learning, as MLCommons Croissant",
    "privacy.json": "the privacy card, for machines",
    "dp_deployment.yaml": "a draft for the registry of differential privacy deployments",
    "index.html": "this page; the two files below hold its hash",
    "SHA256SUMS": "the hashes of all files above, for sha256sum --check SHA256SUMS",
    "manifest.json": "all of this page's facts and the length and hash of every other file",
}


def measured(manifest: PublicManifest) -> Sequence[str]:
    """What can be done with the noisy counts, in sentences; none where there are none."""
    if "measurements.parquet" not in manifest.files:
        return ()
    return (
        f"{intervals(f'trips{_used(manifest)}')} Where both ends of a trip are counted, one with "
        "its ends in two of the places is in such a sum twice.",
        f"The rows are one draw from a density that was fitted to {fitted_to(manifest)}. "
        f"sampler.pyz draws others, {FURTHER_ROWS}",
    )


def error_bars(manifest: PublicManifest) -> Sequence[str]:
    """How to read the intervals of true numbers, in sentences; none where there are none."""
    if "intervals.parquet" not in manifest.files:
        return ()
    return (
        "intervals.parquet says how far the rows may be from the day: for every place and every "
        "flow between two places that holds a row, for every hour and every distance, the number "
        f"of rows and an interval that holds the true number of trips{_used(manifest)} in 90 of "
        "100 cases. It is the number that the noisy counts make likely, not the number of rows, "
        "that is in its middle. A place with one row may have had no trip, or several.",
        "The intervals allow for the noise, for what a day varies by chance, and for what the "
        "fitted density cannot express; how much that is was chosen on simulated cities, where "
        "they held fewer than they say of places of 0.05 degrees with fewer than 32 rows. They "
        "were made from the noisy counts and the rows, and cost no privacy.",
    )


def intervals(units: str) -> str:
    """How to read noisy counts of some units, in sentences."""
    return (
        "Rows carry the error of the noise but do not show it. The counts in measurements.parquet "
        f"do: each is the true number of {units} plus noise with mean zero and the "
        "standard deviation beside it, independent of the noise of every other. So a count, or any "
        "sum of counts, has an honest interval: for a sum of k counts of one kind, 1.96 times the "
        "square root of k times that standard deviation on either side holds the sum of the true "
        "numbers in 95 of 100 cases."
    )


FURTHER_ROWS = (
    "as many as you like; it needs Python 3.11, numpy, pyarrow, pydantic and shapely. They say no "
    "more about the day than these files do, and cost no privacy."
)
