"""How a feed names its vehicles, measured from one sealed day: its id regime.

Moves are found by the vehicle id, so they are rides only where an id stays with its vehicle. Since
GBFS 2.0 a conforming feed gives a vehicle a new id after every ride; others do so by the clock or
in every answer. What is measured is which ids of a poll are there in the next one, and whether
ids that left come back. No id is ever linked with another.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.moves import MINIMUM_MOVE_M
from tasks.mobility.runs import Polls, RunsOfDay, distance_m

Regime = Literal["static", "per_trip", "per_poll", "periodic", "mixed", "unknown"]
"""`mixed`: the evidence contradicts itself, or the regime changed during the day. `unknown`: there
is too little of it."""

MAXIMUM_STEP_MS = 3_600_000
"""Two polls further apart say nothing about the ids of the feed."""
MINIMUM_IDS = 5
"""Nor do two polls one of which saw fewer ids."""
MINIMUM_STEPS = 10
"""With fewer pairs of polls the regime is unknown."""
MINIMUM_EVENTS = 10
"""With fewer ids that moved or were replaced, it is unknown whether ids survive a ride."""
RENEWAL = 0.1
"""A lower share of ids that stay from poll to poll means that all ids changed together."""
CALM = 0.5
"""A lower one that something else than rides changes ids."""
MOSTLY = 0.8
"""Share of steps, or of the events in a phase, that must agree on a regime they are typical of."""
PER_TRIP = 0.9
"""From this share of replaced ids among moved and replaced ones on, no id survives a ride."""
STATIC = 0.5
"""Up to this share, replaced ids are vehicles that were taken away and others brought."""
RETURN_MS = 3_600_000
"""An id that left has this long to come back, or a quarter of a shorter day."""
MINIMUM_CHAINED = 10
"""With fewer hops that go on from the hop before, no vehicle is said to be seen while ridden."""
CHAINED = 0.2
"""Nor with a lower share of them among all moves."""

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Phase:
    """A part of the day with one regime.

    Attributes:
        start: First poll, UTC.
        end: Last poll, UTC.
        regime: What was measured.
        period_s: Seconds between two changes of all ids, where it is `periodic` and more than one
            was seen.
    """

    start: dt.datetime
    end: dt.datetime
    regime: Regime
    period_s: float | None = None

    def __str__(self) -> str:
        """Such as `periodic (every 30 min)`."""
        if self.period_s is None:
            return self.regime
        return f"{self.regime} (every {self.period_s / 60:.3g} min)"


@dataclass(frozen=True)
class IdRegime:
    """What one day says about how a feed names its vehicles. All of it is private.

    Attributes:
        phases: The parts of the day, one unless the regime changed.
        in_ride_visible: Whether vehicles stay in the feed while they are ridden, so that one ride
            is several moves.
        polls: Polls that brought positions.
        steps: Pairs of consecutive ones that say something.
        persistence: Median share of ids that stay from poll to poll, without those that hopped;
            NaN if there are no steps.
        renewals: Steps in which all ids changed together.
        moves: Times an id was seen again over 100 m away, hops included.
        hops: Moves from one poll to the next.
        chained: Hops that go on from a hop of the same id in the poll before.
        appeared: Ids seen for the first time, away from the edges of the day.
        vanished: Ids that did not come back, away from the edges of the day.
        in_place: Ids seen for the first time within 100 m of one that vanished in that step.
    """

    phases: tuple[Phase, ...]
    in_ride_visible: bool
    polls: int
    steps: int
    persistence: float
    renewals: int
    moves: int
    hops: int
    chained: int
    appeared: int
    vanished: int
    in_place: int

    @property
    def regime(self) -> Regime:
        """The regime of the whole day."""
        found = {phase.regime for phase in self.phases}
        return found.pop() if len(found) == 1 else "mixed" if found else "unknown"

    @property
    def period_s(self) -> float | None:
        """The period of a `periodic` day in seconds, if more than one change was seen."""
        return self.phases[0].period_s if len(self.phases) == 1 else None

    @property
    def sentence(self) -> str:
        """One plain sentence for staff."""
        if len(self.phases) > 1:
            parts = [f"{phase} from {phase.start:%H:%M} UTC" for phase in self.phases]
            text = (
                f"the way the feed names vehicles changed during the day: {', then '.join(parts)}"
            )
        else:
            text = self._of_one_phase()
        if self.in_ride_visible:
            text += (
                f"; vehicles stay in the feed while they are ridden ({self.chained} moves go on "
                "from the one before), so that one ride is several moves"
            )
        return text

    def evidence(self) -> dict[str, Any]:
        """The numbers and the sentence as JSON values."""
        numbers = {name: value for name, value in vars(self).items() if name != "phases"}
        numbers["persistence"] = None if np.isnan(self.persistence) else round(self.persistence, 4)
        phases = [
            vars(phase) | {"start": phase.start.isoformat(), "end": phase.end.isoformat()}
            for phase in self.phases
        ]
        return numbers | {"phases": phases, "sentence": self.sentence}

    def _of_one_phase(self) -> str:
        replaced = f"{self.vanished} ids left for good and {self.appeared} new ones came"
        moved = f"{self.moves} times an id was seen again over 100 m away"
        together = f"all ids changed together {self.renewals} times in {self.steps} steps"
        match self.regime:
            case "static":
                return f"an id stays with its vehicle: {moved}, {replaced}"
            case "per_trip":
                return f"a vehicle gets a new id after each ride: {replaced}, {moved}"
            case "per_poll":
                return f"every answer names the vehicles anew: {together}"
            case "periodic":
                if (period := self.period_s) is None:
                    return "all ids changed together once; no vehicle can be followed across that"
                return f"all ids change together by the clock, every {period / 60:.3g} minutes"
            case "unknown":
                return (
                    f"the day is too thin to tell how the feed names vehicles: {self.steps} steps, "
                    f"{moved}, {replaced}"
                )
        return (
            f"the day fits no id regime: {together}, {moved}, {replaced}, {self.in_place} of them "
            "where one had just left"
        )


def measure_regime(runs: RunsOfDay) -> IdRegime:
    """The id regime of one feed on one day, from the runs of its ids."""
    day, steps = runs.polls, find_steps(runs)
    events = _Events.of(runs, steps)
    chained = len(events.chained)
    return IdRegime(
        phases=_Measurement(day, steps, events).phases(),
        in_ride_visible=chained >= max(MINIMUM_CHAINED, CHAINED * len(events.moves)),
        polls=len(day.times),
        steps=int(steps.usable.sum()),
        persistence=float(np.median(steps.persistence[steps.usable]))
        if steps.usable.any()
        else float("nan"),
        renewals=int(steps.renewed.sum()),
        moves=len(events.moves),
        hops=events.hops,
        chained=chained,
        appeared=len(events.appeared),
        vanished=len(events.vanished),
        in_place=int(events.in_place.sum()),
    )


def why_no_trips(regime: str) -> str:
    """What a feed with a declared regime other than `static` does, and why that gives no trips.

    Examples:
        >>> why_no_trips("per_poll")
        'it names its vehicles anew in every answer, so that nothing can be told of any ride'
    """
    return {
        "per_trip": "it gives a vehicle a new id after every ride, so that the end of a ride "
        "cannot be told from its start, and changed ids are never linked again",
        "per_poll": "it names its vehicles anew in every answer, so that nothing can be told of "
        "any ride",
        "periodic": "it changes all its ids together by the clock, so that vehicles cannot be "
        "followed, and changed ids are never linked again",
    }[regime]


@dataclass(frozen=True)
class StepFacts:
    """What happened to the ids in each step between two polls that brought positions.

    Attributes:
        persistence: Share of the ids of the smaller poll that are in both and did not hop, [s].
        usable: Whether the polls are near enough and saw enough ids, shape [s].
    """

    persistence: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @property
    def renewed(self) -> NDArray[np.bool_]:
        """Whether all ids changed together, shape [s]."""
        return self.usable & (self.persistence < RENEWAL)

    @property
    def calm(self) -> NDArray[np.bool_]:
        """Whether most ids stayed, so that those which did not say something, shape [s]."""
        return self.usable & (self.persistence >= CALM)


def find_steps(of_day: RunsOfDay) -> StepFacts:
    """Follow the ids of a day from poll to poll."""
    day = of_day.polls
    polls = len(day.times)
    begun, ended, hopped = np.zeros((3, polls), dtype=np.int64)
    for runs in of_day:
        begun += np.bincount(runs.first, minlength=polls)
        ended += np.bincount(runs.last, minlength=polls)
        hopped += np.bincount(runs.hops, minlength=polls)
    stayed = np.cumsum(begun - ended)
    smaller = np.minimum(stayed + ended, np.roll(stayed + ended, -1))[:-1]
    persistence = (stayed - hopped)[:-1] / np.maximum(smaller, 1)
    return StepFacts(persistence, (smaller >= MINIMUM_IDS) & (day.step_ms <= MAXIMUM_STEP_MS))


@dataclass(frozen=True)
class _Events:
    """Steps, in order, in which single ids moved, came or left while most ids stayed."""

    moves: Steps
    chained: Steps
    appeared: Steps
    vanished: Steps
    in_place: NDArray[np.bool_]  # of those that appeared
    hops: int

    @classmethod
    def of(cls, of_day: RunsOfDay, steps: StepFacts) -> "_Events":
        day = of_day.polls
        calm = np.append(steps.calm, False)  # the last poll has no step after it
        # one row per event: step, latitude, longitude
        came, left = [np.empty((3, 0), dtype=np.int64)], [np.empty((3, 0), dtype=np.int64)]
        returns, hops, chained = [], [], []
        for runs in of_day:
            came.append(_calm_rows(runs.first - 1, runs.first_place, runs.is_first, calm))
            left.append(_calm_rows(runs.last, runs.last_place, runs.is_last, calm))
            far = runs.first[runs.away_m() > MINIMUM_MOVE_M] - 1
            returns.append(far[calm[far]])
            hops.append(runs.hops[calm[runs.hops]])
            chained.append(runs.hops[runs.chained & calm[runs.hops]])
        appeared, vanished = _by_step(came), _by_step(left)
        near = _in_place(appeared, vanished)
        inside_came, inside_left = _away_from_edges(appeared[0], vanished[0], day, steps)
        return cls(
            moves=_sorted([*returns, *hops]),
            chained=_sorted(chained),
            appeared=appeared[0, inside_came],
            vanished=vanished[0, inside_left],
            in_place=near[inside_came],
            hops=sum(map(len, hops)),
        )


def _calm_rows(
    step: Steps, place: NDArray[np.int32], chosen: NDArray[np.bool_], calm: NDArray[np.bool_]
) -> NDArray[np.int64]:
    row = np.flatnonzero(chosen & calm[step])  # step -1, before the first poll, is not calm
    return np.stack([step[row], *place[:, row].astype(np.int64)])


def _sorted(parts: list[Steps]) -> Steps:
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]))


def _by_step(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    rows = np.concatenate(parts, axis=1)
    return rows[:, np.argsort(rows[0], kind="stable")]


def _in_place(appeared: NDArray[np.int64], vanished: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ids appeared within 100 m of one that vanished in the same step."""
    near = np.zeros(appeared.shape[1], dtype=bool)
    steps = np.intersect1d(appeared[0], vanished[0])
    came = [np.searchsorted(appeared[0], steps, side) for side in ("left", "right")]
    left = [np.searchsorted(vanished[0], steps, side) for side in ("left", "right")]
    for a, b, c, d in zip(*came, *left, strict=True):
        there = distance_m(appeared[1:, a:b, None], vanished[1:, None, c:d])
        near[a:b] = (there <= MINIMUM_MOVE_M).any(axis=1)
    return near


def _away_from_edges(
    came: Steps, left: Steps, day: Polls, steps: StepFacts
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which ids had time to be seen before they appeared, or after they vanished.

    The edges are the ends of the day and the steps in which all ids changed.
    """
    wait = min(RETURN_MS, int(day.times[-1] - day.times[0]) // 4) if len(day.times) else 0
    edges = np.concatenate((day.times[:1], day.times[1:][steps.renewed], day.times[-1:]))
    since = edges[np.searchsorted(edges, day.times[came], side="right") - 1]
    until = edges[np.searchsorted(edges, day.times[left], side="right")] if len(left) else left
    return day.times[came] - since >= wait, until - day.times[left] >= wait


@dataclass(frozen=True)
class _Measurement:
    """The evidence of a day and what it says about parts of it, [begin, end) in steps."""

    day: Polls
    steps: StepFacts
    events: _Events

    def phases(self) -> tuple[Phase, ...]:
        merged: list[Phase] = []
        for phase in self._phases(0, len(self.steps.usable)):
            if merged and (merged[-1].regime, merged[-1].period_s) == (
                phase.regime,
                phase.period_s,
            ):
                phase = Phase(merged.pop().start, phase.end, phase.regime, phase.period_s)
            merged.append(phase)
        return tuple(merged)

    def _phases(self, begin: int, end: int) -> list[Phase]:
        step = begin + np.flatnonzero(self.steps.usable[begin:end])
        if len(step) < MINIMUM_STEPS:
            return self._phase(begin, end, "unknown")
        renewed = self.steps.renewed[step]
        if renewed.mean() >= MOSTLY:
            return self._phase(begin, end, "per_poll")
        if (cut := _best_cut(renewed)) is not None:
            at = int(step[cut])
            return self._phases(begin, at) + self._phases(at, end)
        if (~renewed & ~self.steps.calm[step]).mean() > 1 - MOSTLY:
            return self._phase(begin, end, "mixed")
        if renewed.any():
            return self._with_renewals(begin, end, step[renewed])
        return self._without_renewals(begin, end)

    def _with_renewals(self, begin: int, end: int, renewals: Steps) -> list[Phase]:
        if len(renewals) == 1:
            at = int(renewals[0])
            parts = self._without_renewals(begin, at) + self._without_renewals(at + 1, end)
            known = {part.regime for part in parts} - {"unknown"}
            return parts if len(known) > 1 else self._phase(begin, end, "periodic")
        period = self._period_ms(renewals)
        if period is None:
            return self._phase(begin, end, "mixed")
        # by the clock it would have happened before the first and after the last, had it gone on
        slack = period + 2 * int(self.day.step_ms[renewals].max())
        times, first, last = self.day.times, int(renewals[0]), int(renewals[-1])
        if times[first] - times[begin] > slack:
            return self._phases(begin, first) + self._phases(first, end)
        if times[end] - times[last] > slack:
            return self._phases(begin, last + 1) + self._phases(last + 1, end)
        return self._phase(begin, end, "periodic", period / 1000)

    def _period_ms(self, renewals: Steps) -> float | None:
        """Milliseconds between two changes of all ids, None if it is not the clock that rules."""
        times, blind = self.day.times[renewals + 1], self.day.step_ms[renewals]
        spacing = np.diff(times)
        typical = np.median(spacing)
        periods = np.rint(spacing / typical)  # a change in a gap goes unseen
        slack = blind[1:] + blind[:-1]
        fits = (periods >= 1) & (np.abs(spacing - periods * typical) <= slack)
        odd = int((~fits).sum())
        # a change of regime can change all ids once more
        if odd > (1 - MOSTLY) * len(fits) and not odd == 1 < len(fits) - 1:
            return None
        return float(spacing[fits].sum() / periods[fits].sum())

    def _without_renewals(self, begin: int, end: int) -> list[Phase]:
        """Static or per trip, or one and then the other."""
        if (at := self._change(begin, end)) is not None:
            labels = self._label(begin, at), self._label(at, end)
            if set(labels) == {"static", "per_trip"}:
                return self._phase(begin, at, labels[0]) + self._phase(at, end, labels[1])
        return self._phase(begin, end, self._label(begin, end))

    def _label(self, begin: int, end: int) -> Regime:
        moved, came, left = (
            _count(steps, begin, end)
            for steps in (self.events.moves, self.events.appeared, self.events.vanished)
        )
        replaced = min(came, left)
        if moved + replaced < MINIMUM_EVENTS:
            return "unknown"
        share = replaced / (moved + replaced)
        if share <= STATIC:
            return "static"
        in_place = _count(self.events.appeared[self.events.in_place], begin, end)
        if share >= PER_TRIP and in_place < came / 2:
            return "per_trip"
        return "mixed"

    def _change(self, begin: int, end: int) -> int | None:
        """The step from which on ids may survive rides that did not before, or the other way."""
        kinds = (self.events.moves, self.events.appeared, self.events.vanished)
        steps = [kind[(kind >= begin) & (kind < end)] for kind in kinds]
        # an id that is replaced counts twice, when it leaves and when the new one comes
        survived = np.repeat([2.0, 0.0, 0.0], [len(kind) for kind in steps])
        replaced = np.repeat([0.0, 1.0, 1.0], [len(kind) for kind in steps])
        step = np.concatenate(steps)
        order = np.argsort(step, kind="stable")
        survived, replaced = np.cumsum(survived[order]), np.cumsum(replaced[order])
        if not len(step):
            return None
        agreement = np.maximum(
            survived + replaced[-1] - replaced, replaced + survived[-1] - survived
        )
        best = int(np.argmax(agreement))
        total = survived[-1] + replaced[-1]
        alone = max(survived[-1], replaced[-1])
        enough = agreement[best] >= max(PER_TRIP * total, alone + 2 * MINIMUM_EVENTS)
        return int(step[order[best]]) + 1 if enough else None

    def _phase(
        self, begin: int, end: int, regime: Regime, period_s: float | None = None
    ) -> list[Phase]:
        if not len(self.day.times):
            return []
        start, stop = (
            dt.datetime.fromtimestamp(int(self.day.times[poll]) / 1000, dt.UTC)
            for poll in (begin, end)
        )
        return [Phase(start, stop, regime, period_s)]


def _best_cut(renewed: NDArray[np.bool_]) -> int | None:
    """Where steps of one kind give way to steps of the other, None if that is not so."""
    ones = np.cumsum(renewed)
    count = np.arange(1, len(renewed) + 1)
    first_then = ones + (count[-1] - count) - (ones[-1] - ones)
    agreement = np.maximum(first_then, count[-1] - first_then)
    cut = int(np.argmax(agreement)) + 1
    if min(cut, len(renewed) - cut) < MINIMUM_STEPS:
        return None
    shares = sorted((renewed[:cut].mean(), renewed[cut:].mean()))
    return cut if shares[0] <= 1 - MOSTLY and shares[1] >= MOSTLY else None


def _count(steps: Steps, begin: int, end: int) -> int:
    return int(np.searchsorted(steps, end) - np.searchsorted(steps, begin))
