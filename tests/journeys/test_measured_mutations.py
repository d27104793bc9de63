"""The measured mechanisms before the audit, and mutants of them that it must refute."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import dp_accounting
import numpy as np
import pytest

from tasks.audit.check import Check
from tasks.audit.counts.counting import Counting
from tasks.audit.counts.field import CountedTrips
from tasks.audit.counts.noise import check_noise
from tasks.audit.counts.one_run import CountsAudit
from tasks.audit.counts.pairs import distinguish_counts
from tasks.audit.counts.rides import CountedRides
from tasks.audit.one_run import OneRun
from tasks.audit.pairs import PairBound, Scores, distinguish
from tasks.audit.trips import random_trips
from tasks.privacy.accountant import epsilon_by_pld
from tasks.privacy.counts import NoisyCount
from tasks.privacy.discrete_noise import DiscreteNoise, round_up
from tasks.privacy.votes import NoisyVotes
from tasks.privacy.weighted_counts import (
    Counts,
    WeightedMeasurement,
    WeightedMeasurementRun,
    WeightedTable,
)
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_ends import EndsSettings
from tasks.synthesis.trip_ends import make_plan as make_ends_plan
from tasks.synthesis.trip_field import FieldSettings, make_plan
from tests.conftest import Show
from tests.coupling import coupled_secrets

DELTA = 1e-6
LARGE_DELTA = 0.01
"""At which fewer scores prove as much of a Gaussian; what is claimed holds at every delta."""
COUNT = NoisyCount.within(1.0, sensitivity=1)
ENDS = WeightedMeasurement.within(1.3, {"ends": (2, 2, 1.0)})
RIDES = make_ends_plan(
    (Box(name="town", south=52.3, west=10.6, north=52.4, east=10.75),),
    starts=5_000,
    ends=5_000,
    guarantee=Guarantee(epsilon=4, delta=1e-6),
    settings=EndsSettings(),
).mechanism
VOTES = NoisyVotes(teachers=9, labels=2, sigma=Fraction(3), queries=1)

Pair = tuple[Scores, Scores]
Tables = tuple[WeightedTable, ...]

HEAD = f"{'measured mutant':<32}{'proven':>9}{'claimed':>9}    (lower bounds on epsilon, by pairs)"


def count_pair(mechanism: NoisyCount, attempts: int = 6000) -> Pair:
    """A day of 100 records and the same with one more, counted over and over."""
    with_record, without = (
        np.array([float(mechanism.begin().measure(count)) for _ in range(attempts)])
        for count in (101, 100)
    )
    return with_record, without


def ends_pair(mechanism: WeightedMeasurement, replicas: int = 40_000) -> Pair:
    """Records whose ends lie in two cells of their own, or nowhere."""
    (table,) = mechanism.tables
    day = replace(mechanism, tables=(replace(table, cells=4 * replicas),))
    touched = np.arange(2 * replicas).reshape(replicas, 2)
    counts = day.begin().measure({table.name: touched})[table.name]
    scores = counts.reshape(-1, 2).sum(axis=1).astype(np.float64)
    return scores[:replicas], scores[replicas:]


def rides_pair(mechanism: WeightedMeasurement, replicas: int = 25_000) -> Pair:
    """Rides whose start and end lie in cells that nobody else touches, or nowhere."""
    scores = np.zeros(2 * replicas)
    day = replace(mechanism, tables=tuple(replace(t, cells=2 * replicas) for t in mechanism.tables))
    ride = np.arange(replicas)[:, None]
    counts = day.begin().measure({table.name: ride for table in mechanism.tables})
    for table in mechanism.tables:  # the likelihood ratio, but for a constant
        scores += counts[table.name] * table.multiplier / float(table.sigma) ** 2
    return scores[:replicas], scores[replicas:]


def votes_pair(mechanism: NoisyVotes, swayed: int, attempts: int = 3000) -> Pair:
    """How often the second label wins, where a record sways so many teachers to it."""

    def wins(for_second: int) -> float:
        # each teacher is an object of its own, as the mechanism demands
        teachers = [
            (lambda question, vote=int(i < for_second): vote) for i in range(mechanism.teachers)
        ]
        asked = mechanism.begin().ask(teachers)
        return float(sum(asked.label(None) for _ in range(mechanism.queries)))

    before = (mechanism.teachers - swayed) // 2
    with_record, without = (
        np.array([wins(votes) for _ in range(attempts)]) for votes in (before + swayed, before)
    )
    return with_record, without


def judged(name: str, pair: Callable[[], Pair], epsilon: float, delta: float) -> PairBound:
    with coupled_secrets(seed=1):
        return distinguish(name, *pair(), epsilon, delta)


def line(name: str, bound: PairBound) -> str:
    return f"{name:<32}{bound.epsilon_lower:>9.2f}{bound.epsilon_claimed:>9.2f}"


@pytest.mark.slow
def test_rule_13_measured_mechanisms_keep_what_they_claim(show: Show) -> None:
    ends, rides, votes = (epsilon_by_pld(each.event(), DELTA) for each in (ENDS, RIDES, VOTES))
    for bound in (
        judged("count", lambda: count_pair(COUNT), COUNT.epsilon, 0.0),
        judged("ends", lambda: ends_pair(ENDS), ends, DELTA),
        judged("rides", lambda: rides_pair(RIDES), rides, DELTA),
        judged("votes", lambda: votes_pair(VOTES, swayed=1), votes, DELTA),
    ):
        show(HEAD, [line(f"(none) {bound.mechanism}", bound)])
        assert 0 < bound.epsilon_lower < bound.epsilon_claimed, bound


def test_rule_13_a_count_with_half_of_its_noise_is_caught(show: Show) -> None:
    broken = replace(COUNT, scale=COUNT.scale / 2)
    bound = judged("count", lambda: count_pair(broken), COUNT.epsilon, 0.0)
    show(HEAD, [line("HalfNoise count", bound)])
    assert bound.is_violation


def test_rule_15_a_sensitivity_that_forgets_one_of_the_ends_is_caught(show: Show) -> None:
    (table,) = ENDS.tables
    claimed = replace(ENDS, tables=(replace(table, distinct=1),))
    epsilon = epsilon_by_pld(claimed.event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("ends", *ends_pair(ENDS, 200_000), epsilon, LARGE_DELTA)
    show(HEAD, [line("OneEndOnly ends", bound)])
    assert bound.is_violation


def test_rule_15_a_sensitivity_that_forgets_the_ends_of_rides_is_caught(show: Show) -> None:
    starts = tuple(table for table in RIDES.tables if table.name.startswith("start"))
    epsilon = epsilon_by_pld(replace(RIDES, tables=starts).event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("rides", *rides_pair(RIDES), epsilon, LARGE_DELTA)
    show(HEAD, [line("StartsOnly rides", bound)])
    assert bound.is_violation


def test_rule_13_rides_with_half_of_their_noise_are_caught(show: Show) -> None:
    broken = replace(RIDES, tables=tuple(replace(t, sigma=t.sigma / 2) for t in RIDES.tables))
    epsilon = epsilon_by_pld(RIDES.event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("rides", *rides_pair(broken), epsilon, LARGE_DELTA)
    show(HEAD, [line("HalfNoise rides", bound)])
    assert bound.is_violation


@pytest.mark.slow
def test_rule_13_teachers_that_share_records_are_caught(show: Show) -> None:
    epsilon = epsilon_by_pld(VOTES.event(), DELTA)
    bound = judged("votes", lambda: votes_pair(VOTES, VOTES.teachers), epsilon, DELTA)
    show(HEAD, [line("SharedTeachers votes", bound)])
    assert bound.is_violation


CLAIMED = Guarantee(epsilon=4.0, delta=DELTA)
BOX = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
TRIPS, CANARIES, REPLICAS = 4000, 4096, 40_000

COUNTED_HEAD = (
    f"{'of':<12}{'mutant':<16}{'caught by':<40}{'one run':>9}{'pair':>9}{'of':>6}{'replay':>9}"
    f"{'noise p':>12}    (lower bounds on epsilon; one run and replay are of {CLAIMED.epsilon:g})"
)


class HalfNoise(WeightedMeasurement):
    """Adds half of the noise that it states, in every table."""

    def begin(self) -> WeightedMeasurementRun:
        tables = tuple(replace(table, sigma=table.sigma / 2) for table in self.tables)
        return WeightedMeasurementRun(WeightedMeasurement(tables, self.trips_per_unit))


class OneEndOnly(WeightedMeasurement):
    """Takes a trip for one end where both are counted: so much noise, and so much accounted."""

    @classmethod
    def broken(cls, tables: Tables) -> "OneEndOnly":
        return cls(
            tuple(
                replace(table, sigma=round_up(table.sigma / Fraction(2**0.5)))
                if table.distinct == 2
                else table
                for table in tables
            )
        )

    def event(self) -> dp_accounting.DpEvent:
        return WeightedMeasurement(
            tuple(replace(table, distinct=1) for table in self.tables)
        ).event()


class StartsOnly(WeightedMeasurement):
    """Takes a ride for its start: so much noise, and so much accounted."""

    @classmethod
    def broken(cls, tables: Tables) -> "StartsOnly":
        less = Fraction(2**0.5)
        return cls(tuple(replace(table, sigma=round_up(table.sigma / less)) for table in tables))

    def event(self) -> dp_accounting.DpEvent:
        starts = tuple(table for table in self.tables if table.name.startswith("start"))
        return WeightedMeasurement(starts).event()


class ForgottenTable(WeightedMeasurement):
    """Gives the budget to all tables but the first, which is measured besides."""

    @classmethod
    def broken(cls, tables: Tables) -> "ForgottenTable":
        first, *others = tables
        noise = [
            float(WeightedMeasurement(some).event().noise_multiplier)
            for some in (tables, tuple(others))
        ]
        less = Fraction(noise[0] / noise[1])
        return cls(
            (first, *(replace(table, sigma=round_up(table.sigma * less)) for table in others))
        )

    def event(self) -> dp_accounting.DpEvent:
        return WeightedMeasurement(self.tables[1:]).event()


class _TwiceRun(WeightedMeasurementRun):
    def measure(self, touched: Mapping[str, Counts]) -> dict[str, Counts]:
        once = super().measure(touched)
        again = WeightedMeasurementRun(self.mechanism).measure(touched)
        return {name: (counts + again[name]) // 2 for name, counts in once.items()}


class MeasuredTwice(WeightedMeasurement):
    """Measures twice under one charge; whoever has both results has their mean."""

    def begin(self) -> WeightedMeasurementRun:
        return _TwiceRun(self)


class SameSeed(WeightedMeasurement):
    """Draws its noise from a source that begins anew with every attempt."""

    def begin(self) -> WeightedMeasurementRun:
        run = WeightedMeasurementRun(self)
        run._noise = DiscreteNoise(np.random.default_rng(7).bytes)
        return run


@cache
def intact(synthesizer: str) -> CountsAudit:
    """The audit of the tables that nights measure."""
    rows = TRIPS + CANARIES
    counting: Counting
    if synthesizer == "trip_ends":
        counting = CountedRides(make_ends_plan((BOX,), rows, rows, CLAIMED, EndsSettings()))
    else:
        counting = CountedTrips(make_plan((BOX,), rows, CLAIMED, FieldSettings()))
    return CountsAudit.of(counting, CLAIMED, CANARIES)


@cache
def hardly_ever(synthesizer: str) -> float:
    """A one-run bound that what is accounted for exceeds once in a thousand runs."""
    return intact(synthesizer).power().hardly_ever


@dataclass(frozen=True)
class Caught:
    """What each detector says of one way to measure the tables of a synthesizer."""

    synthesizer: str
    run: OneRun
    pair: PairBound
    replay: PairBound
    noise: Check

    @property
    def by(self) -> list[str]:
        """The detectors that refute it."""
        verdicts = {
            "one-run audit": self.run.is_violation
            or self.run.epsilon_lower > hardly_ever(self.synthesizer),
            "pair": self.pair.is_violation,
            "replayed pair": self.replay.is_violation,
            "noise": self.noise.is_violation,
        }
        return [name for name, is_caught in verdicts.items() if is_caught]

    def __str__(self) -> str:
        return (
            f"{', '.join(self.by) or '-':<40}{self.run.epsilon_lower:>9.2f}"
            f"{self.pair.epsilon_lower:>9.2f}{self.pair.epsilon_claimed:>6.2f}"
            f"{self.replay.epsilon_lower:>9.2f}{self.noise.p_value:>12.1e}"
        )


def mutated(mutant: type[WeightedMeasurement], synthesizer: str) -> WeightedMeasurement:
    tables = intact(synthesizer).counting.mechanism.tables
    return mutant.broken(tables) if hasattr(mutant, "broken") else mutant(tables)


def measuring(counting: Counting, mechanism: WeightedMeasurement) -> Counting:
    """The same counts by another mechanism."""
    if isinstance(counting, CountedRides):
        return CountedRides(replace(counting.plan, mechanism=mechanism))
    assert isinstance(counting, CountedTrips)
    return CountedTrips(replace(counting.plan, mechanism=mechanism))


def examine(mutant: type[WeightedMeasurement], synthesizer: str) -> Caught:
    """Put a measurement before every detector."""
    audit, mechanism = intact(synthesizer), mutated(mutant, synthesizer)
    twin = random_trips((BOX,), TRIPS, np.random.default_rng(0))
    broken = measuring(audit.counting, mechanism).measure

    # coupled secrets: the verdicts are those of every run of this test; SameSeed has none
    with nullcontext() if mutant is SameSeed else coupled_secrets(seed=1):
        run = audit.run(twin, seed=1, measure=broken)
        _, at_large_delta, replay = distinguish_counts(mechanism, CLAIMED, REPLICAS)
        return Caught(synthesizer, run, at_large_delta, replay, check_noise(mechanism))


@pytest.mark.slow
@pytest.mark.parametrize("synthesizer", ["trip_field", "trip_ends"])
def test_rule_13_the_tables_of_counted_synthesizers_keep_what_they_claim(
    synthesizer: str, show: Show
) -> None:
    found = examine(WeightedMeasurement, synthesizer)
    show(COUNTED_HEAD, [f"{synthesizer:<12}{'(none)':<16}{found}"])
    assert found.by == []
    assert found.run.epsilon_lower > 0.5
    assert found.pair.epsilon_lower > 0.85 * found.pair.epsilon_claimed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("synthesizer", "mutant", "detectors"),
    [
        ("trip_field", HalfNoise, {"one-run audit", "pair", "noise"}),
        ("trip_field", OneEndOnly, {"pair"}),
        ("trip_field", ForgottenTable, {"pair"}),
        ("trip_field", MeasuredTwice, {"pair", "noise"}),
        ("trip_field", SameSeed, {"replayed pair", "noise"}),
        ("trip_ends", HalfNoise, {"one-run audit", "pair", "noise"}),
        ("trip_ends", StartsOnly, {"pair"}),
        ("trip_ends", ForgottenTable, {"pair"}),
        ("trip_ends", MeasuredTwice, {"pair", "noise"}),
        ("trip_ends", SameSeed, {"replayed pair", "noise"}),
    ],
)
def test_rules_13_and_15_broken_tables_are_caught(
    synthesizer: str, mutant: type[WeightedMeasurement], detectors: set[str], show: Show
) -> None:
    found = examine(mutant, synthesizer)
    show(COUNTED_HEAD, [f"{synthesizer:<12}{mutant.__name__:<16}{found}"])
    assert detectors <= set(found.by)


@pytest.mark.parametrize("mutant", [HalfNoise, MeasuredTwice, SameSeed])
def test_rule_13_noise_that_is_not_as_stated_is_caught(mutant: type[WeightedMeasurement]) -> None:
    tables = WeightedMeasurement.within(1.2, {"ends": (600, 2, 0.7), "hours": (24, 1, 0.3)}).tables
    with coupled_secrets(seed=1):
        assert not check_noise(WeightedMeasurement(tables)).is_violation
        assert check_noise(mutant(tables)).is_violation


def test_what_broken_tables_claim_is_what_intact_ones_cost() -> None:
    for mutant, synthesizer in (
        (OneEndOnly, "trip_field"),
        (ForgottenTable, "trip_field"),
        (StartsOnly, "trip_ends"),
        (ForgottenTable, "trip_ends"),
    ):
        claimed = intact(synthesizer).counting.mechanism.event().noise_multiplier
        found = mutated(mutant, synthesizer).event().noise_multiplier
        assert found == pytest.approx(claimed, rel=0.01), (mutant, synthesizer)
