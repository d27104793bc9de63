"""What a release of starts, ends and modelled trips says to people, besides what all releases say.

The figures were measured by `python -m tests.benchmarks.trip_ends_quality` on public data: no
figure of a real day that is released is among them.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from tasks.release import words
from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.numbers import number, percent, scientific
from tasks.release.words import snapping

SUMMARY = (
    "Synthetic starts and synthetic ends of scooter and bike rides that follow the pattern of one "
    "day, and trips modelled from them. No row is a real ride, a vehicle or a person."
)

MEASURED = (
    "How far modelled pairs are from real ones was measured on four simulated days of 21,600 trips "
    "that are known, at epsilon 1: on a grid of 5 km, 8 to 17 of 100 pairs of origin and "
    "destination would have to be others (3 to 9 of 100 between two halves of such a day), on a "
    "grid of 1 km 35 to 42 (13 to 40); lengths are as much off as the city's own differ from the "
    "public law, a Jensen-Shannon divergence of 0.007 to 0.11. Starts and ends themselves are 3 to "
    "17 of 100 off on a grid of 1 km (python -m tests.benchmarks.trip_ends_quality)."
)


def promise(manifest: PublicManifest) -> Sequence[str]:
    """The guarantee, in sentences."""
    guarantee = manifest.guarantee
    replaced = (
        "replaced by an empty record" if guarantee.adjacency == "zero_out" else "left out, or added"
    )
    return (
        "What is protected is one ride, its start and its end together: where and when it began "
        "and where and when it ended"
        + (", and that it took place. " if guarantee.adjacency == "add_remove" else ". ")
        + f"Had both been {replaced}, every possible outcome of what is published here would have "
        f"been at most {math.exp(guarantee.epsilon):.3g} times as likely or as unlikely (e to the "
        f"power of epsilon = {number(guarantee.epsilon)}), but for a probability of at most delta "
        f"= {scientific(guarantee.delta)}.",
        "A ride counts as one start and one end, for its vehicle vanishes from the feed once and "
        "appears again once. A ride during which the feed shows the vehicle, as when it is parked "
        "on the way, counts as several.",
        "A person with k rides has k times that epsilon, on one day or over many days of this "
        "archive. Starts and ends are given half of the budget each: a ride over midnight leaves "
        "its start to one day and its end to the next, and spends no more than any other.",
        _numbers(manifest),
        "The feeds are public while they are live: whoever polled them then holds the positions "
        "of the vehicles. The promise is about what this release adds to that.",
    )


def _numbers(manifest: PublicManifest) -> str:
    starts, ends = manifest.tables["starts"], manifest.tables["ends"]
    if (count := manifest.mechanism.count) is None:
        return (
            f"That a ride took place is not protected: the {starts:,} starts and the {ends:,} ends "
            "are exactly as many as were counted on the day (adjacency zero_out)."
        )
    spread = math.sqrt(2) * float(Fraction(count.scale))
    return (
        f"How many starts and ends the day had is private: {starts:,} and {ends:,} are counts of "
        f"them, each with noise of standard deviation {spread:,.0f} (adjacency add_remove). "
        "Epsilon covers both counts as well."
    )


def making(manifest: PublicManifest) -> Sequence[str]:
    """How the rows came about, in sentences."""
    accountant, mechanism = manifest.accountant, manifest.mechanism
    assert isinstance(mechanism, GaussianCounts)
    cells = sum(table.cells for table in mechanism.tables)
    return (
        "Public GBFS feeds were polled through the day. They give a vehicle a new id after a ride, "
        "and ids are never linked again: an id that vanishes is taken for the start of a ride, one "
        "that appears for an end, and which end belongs to which start is not known. "
        "What cannot be told apart is among them: reservations, vehicles that are brought or "
        "taken away, ids that change while a vehicle stands.",
        "How each feed names its vehicles is declared in public beforehand. Every day it is "
        "measured again; a difference alerts staff and decides nothing about that day's release.",
        f"Starts and ends were counted once, by themselves, in {len(mechanism.tables)} tables of "
        f"{cells:,} cells in all: places and hours. Every count got noise from a discrete "
        f"Gaussian; that of all tables together is {number(mechanism.noise_multiplier)} times what "
        "one ride, with its start and its end, can change in them. The counts with their noise "
        "are all that was ever looked at: one density of place and hour was fitted for starts and "
        f"one for ends, to {words.fitted_to(manifest)}.",
        *words.days_behind(manifest),
        f"Accounted for from the mechanism itself, epsilon is {number(accountant.epsilon_pld)} by "
        "privacy loss distributions, which counts, and "
        f"{number(accountant.epsilon_rdp)} by Renyi divergences, as a cross-check "
        f"({accountant.method}).",
        f"{manifest.tables['starts']:,} starts and {manifest.tables['ends']:,} ends were drawn "
        "from the densities, without another look at the day.",
        f"The {manifest.tables['modelled_trips']:,} modelled trips were not observed. Both "
        "densities were paired by what is publicly known of rides alone: lengths are log-normal "
        "with a mean of 1.24 km, directions all alike, the speed is 9.8 km/h (Jiao and Bai, ISPRS "
        "International Journal of Geo-Information 9(2):135, 2020); of all ways to pair them that "
        "agree with it, the one that adds least.",
        f"All rows were checked against {manifest.checks.expectations:,} expectations that know "
        "synthetic rows and public constants only.",
        *snapping(manifest),
    )


def limits(manifest: PublicManifest) -> Sequence[str]:
    """What the rows cannot tell, in sentences."""
    return (
        "Read starts and ends for where and when rides begin and end. Do not read modelled trips "
        "as evidence of who goes where: a river without a bridge, a line of trams or a habit is "
        "not in the public law of rides.",
        MEASURED,
        "A vehicle that its operator moved looks like a ride, and a reservation that was given up "
        "may look like one.",
        "Rows are drawn one by one: nothing links two rows to one vehicle or one person, and no "
        "row of starts belongs to a row of ends.",
        "Noise hides what few rides do: the more rows a number counts, the more it says. A single "
        "map cell or a rare hour says little.",
        f"The feeds answered {percent(manifest.capture.coverage)} of the polls that were due; "
        "starts and ends within a gap are missing.",
    )


def measured(manifest: PublicManifest) -> Sequence[str]:
    """What can be done with the noisy counts, in sentences."""
    return (
        f"{words.intervals('starts, or of ends,')} Starts and ends were counted apart: the sum of "
        "both kinds counts a ride twice.",
        "The starts and the ends are one draw each from densities that were fitted to "
        f"{words.fitted_to(manifest)}. sampler.pyz draws others (python sampler.pyz 1000000 "
        f"--table ends), {words.FURTHER_ROWS}",
    )
