"""What a short look at a feed tells, in plain words, a line for each question."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from tasks.gbfs import REASONS
from tasks.gbfs.pace import MAX_TTL_SECONDS
from tasks.mobility.moves import MINIMUM_MOVE_M
from tasks.mobility.regime import MINIMUM_EVENTS, MINIMUM_STEPS, IdRegime, why_no_trips
from tasks.mobility.sealed import FeedTrips
from tasks.mobility.trips import count_moves
from tasks.region import Region
from tasks.schema.polls import SEEN

POLITE_SECONDS = 60
"""Time between two polls of a feed that gives no longer ttl."""

WRONG_CLOCK_SECONDS = 600
"""A `last_updated` further from our clock is a wrong clock, a wrong time zone or a stale feed."""

Declared = Literal["static", "per_trip", "per_poll", "periodic"]


@dataclass(frozen=True)
class Verdict:
    """What was seen of one feed.

    Attributes:
        polls: Schema `tasks.schema.POLLS`, by `fetched_at`; at least one was answered.
        found: The moves and the id regime.
        skew_s: Seconds by which `last_updated` is behind our clock, if it is there.
        vehicles_in: File and host of the vehicle feed, if the discovery file was to be had.
        region: The region that was drafted, with the service area that moves were held against.
        covered: Share of the sightings in that area, 0 to 1.
        edges: South, west, north and east of a box around most of what was seen, degrees.
    """

    polls: pa.Table
    found: FeedTrips
    skew_s: float | None
    vehicles_in: str | None
    region: Region
    covered: float
    edges: tuple[float, float, float, float]

    def lines(self) -> list[str]:
        """The verdict for people; each line begins with what it is about."""
        return [
            f"version: {self._version()}",
            f"answers: {self._answers()}",
            f"interval: {self._interval()}",
            f"last_updated: {self._last_updated()}",
            f"defects: {self._defects()}",
            f"vehicles: {self._vehicles()}",
            f"ids: {self._ids()}",
            f"rides: {self._rides()}",
            f"moves: {self._moves()}",
            f"release: {self._release()}",
        ]

    def _answered(self) -> pa.Table:
        """The polls that brought a body."""
        return self.polls.filter(pc.equal(self.polls["outcome"], "ok"))

    def _version(self) -> str:
        versions = sorted(set(self._answered()["version"].drop_null().to_pylist()))
        said = f"GBFS {' and '.join(versions)}" if versions else "the feed names no GBFS version"
        if self.vehicles_in is None:
            return f"{said}; the URL brought no discovery file"
        return f"{said}; vehicles are in {self.vehicles_in}"

    def _answers(self) -> str:
        outcomes = Counter(self.polls["outcome"].to_pylist())
        said = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
        failed = sum(n for outcome, n in outcomes.items() if outcome not in (*SEEN, "ended"))
        return f"{said}; {failed} of {self.polls.num_rows} polls failed"

    def _interval(self) -> str:
        ttl = longest_ttl(self.polls)
        said = "the feed gives no ttl" if ttl is None else f"ttl {ttl} s"
        return f"{said}; poll it every {poll_seconds(ttl)} seconds"

    def _last_updated(self) -> str:
        if self.skew_s is None:
            return "the feed does not say when it was updated"
        brought = self._answered()
        editions = pc.count_distinct(brought["last_updated"]).as_py()
        said = f"new in {editions} of {brought.num_rows} answers"
        behind = abs(self.skew_s)
        said += f"; {behind:,.0f} s {'behind' if self.skew_s >= 0 else 'ahead of'} our clock"
        if behind > WRONG_CLOCK_SECONDS:
            said += ", so that its clock or time zone is wrong, or its data are old; ours is used"
        return said

    def _defects(self) -> str:
        counts = set_aside(self.polls)
        if not counts:
            return "no record was set aside"
        said = "; ".join(f"{n:,} {reason} ({REASONS[reason]})" for reason, n in counts.items())
        return f"records set aside in {self._answered().num_rows} answers: {said}"

    def _vehicles(self) -> str:
        typical = pc.quantile(self._answered()["vehicles"], 0.5)[0].as_py()
        south, west, north, east = self.edges
        return (
            f"about {rounded(typical):,}, most of them at latitude {south} to {north}, longitude "
            f"{west} to {east}; {self.covered:.0%} of the sightings in the service area below"
        )

    def _ids(self) -> str:
        regime = self.found.regime
        if declared_of(regime) is not None:
            said = f"{regime.regime}: {regime.sentence}"
            if regime.regime == "static":
                said += "; whether they change by the clock, a day would show"
            return said
        if regime.regime == "mixed":
            why = regime.sentence
        elif regime.steps < MINIMUM_STEPS:
            why = f"pairs of answers: {regime.steps} of the {MINIMUM_STEPS} that it takes"
        else:
            why = (
                f"{regime.persistence:.0%} of the ids stay from one answer to the next, but "
                f"{regime.moves} moved, {regime.vanished} left and {regime.appeared} came, and it "
                f"takes {MINIMUM_EVENTS} to tell whether an id outlives a ride"
            )
        return (
            f"not known yet: {why}; collect a day that you will not release and read id_regime in "
            "the private manifest of its trips"
        )

    def _rides(self) -> str:
        regime = self.found.regime
        seen = f"{regime.chained} of {regime.moves} moves go on from the one before"
        if regime.in_ride_visible:
            return f"vehicles are shown while they are ridden: {seen}; one ride is several moves"
        return f"no sign that vehicles are shown while they are ridden: {seen}"

    def _moves(self) -> str:
        counts = count_moves(self.found.table)
        why = {name: n for name, n in counts.items() if n and name not in ("moves", "trips")}
        said = f"{counts['moves']:,} over {MINIMUM_MOVE_M:.0f} m, {counts['trips']:,} of them trips"
        if why:
            said += f" (the others: {', '.join(f'{n:,} {name}' for name, n in why.items())})"
        return f"{said}; a day needs {self.region.trips.min_per_day} trips (trips.min_per_day)"

    def _release(self) -> str:
        declared = declared_of(self.found.regime)
        if declared is None:
            return (
                "not known yet: trips if ids turn out to be static, starts and ends of rides if "
                "they are per_trip, else nothing"
            )
        if declared == "static":
            unit = self.region.guarantee.unit
            return f"trips can be derived; synthetic trips would be released, for the unit {unit}"
        if declared == "per_trip":
            return (
                "no trips can be derived; starts and ends of rides would be released, and modelled "
                f"trips: {why_no_trips(declared)}"
            )
        return f"nothing: {why_no_trips(declared)}"


def declared_of(regime: IdRegime) -> Declared | None:
    """What a region may declare of a measured id regime; None if it is not known yet."""
    match regime.regime:
        case "static" | "per_trip" | "per_poll" | "periodic" as known:
            return known
    return None


def longest_ttl(polls: pa.Table) -> int | None:
    """The longest ttl that a feed gave, seconds."""
    ttl: int | None = pc.max(polls["ttl"]).as_py()
    return ttl


def poll_seconds(ttl: int | None) -> int:
    """The time between two polls that suits a feed's ttl.

    Examples:
        >>> poll_seconds(None), poll_seconds(0), poll_seconds(120), poll_seconds(86_400)
        (60, 60, 120, 300)
    """
    return min(max(ttl or 0, POLITE_SECONDS), MAX_TTL_SECONDS)


def set_aside(polls: pa.Table) -> Mapping[str, int]:
    """How many records of all polls were set aside, by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    for reasons in polls["quarantined"].to_pylist():
        counts.update(dict(reasons))
    return dict(counts.most_common())


def rounded(number: float) -> int:
    """A number to its first digit, for people.

    Examples:
        >>> rounded(0), rounded(7), rounded(847), rounded(12_600)
        (0, 7, 800, 10000)
    """
    if number < 1:
        return 0
    place = 10 ** math.floor(math.log10(number))
    return int(round(number / place) * place)
