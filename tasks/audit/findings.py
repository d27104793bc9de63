"""What an audit of a published day found, in one value that is stored, shown and judged."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.audit.check import Check
from tasks.audit.exposure import Exposure
from tasks.audit.membership import (
    FALSE_ALARMS,
    Membership,
    largest_area,
    largest_hit_rate,
)
from tasks.audit.one_run import OneRun, Power, is_no_accident
from tasks.audit.pairs import PairBound
from tasks.audit.risks import Risk


@dataclass(frozen=True)
class Effort:
    """How much work an audit does; affects what it can see, never what is published.

    Attributes:
        seeds: One-run audits.
        canaries: Canaries of each, a multiple of 64.
        replicas: Scores of each day of a neighbouring pair, at most.
        exposed: Canaries of each kind whose exposure is measured.
        references: Records that they are ranked among.
        copies: How often those that are planted often are planted.
        shadows: Shadow models of the membership attack, even.
        attacks: Attempts of each attack on rows.
    """

    seeds: int
    canaries: int = 4096
    replicas: int = 500_000
    exposed: int = 30
    references: int = 4095
    copies: int = 20
    shadows: int = 16
    attacks: int = 500

    @classmethod
    def quick(cls, seeds: int) -> "Effort":
        """Enough to see an audit run, too little to see much else."""
        return cls(seeds, replicas=50_000, exposed=15, references=1023, shadows=4, attacks=100)


@dataclass(frozen=True)
class Findings:
    """The outcome of every attack, and what it was made on.

    Attributes:
        region: Id of the region.
        name: Its name for people.
        service_day: The published day that the twin was drawn from.
        synthesizer: Name of the region's.
        release_sha256: SHA-256 of that release's manifest.
        epsilon: Of the guarantee.
        delta: Of the guarantee.
        rows: Rows of the release, which are the twin's trips.
        is_quick: Whether training was shortened and little was tried.
        effort: How much was tried.
        power: What the one-run audit can find at most and in the mean.
        one_runs: One-run audits, one for each seed.
        pairs: Distinguishers, one for each mechanism and adversary.
        check: Whether the mechanism draws what is assumed of it.
        exposures: Canary exposures, private and control.
        memberships: Membership inference, private and control.
        risks: Attacks on rows: on a private release, and on a copy of the twin.
    """

    region: str
    name: str
    service_day: dt.date
    synthesizer: str
    release_sha256: str
    epsilon: float
    delta: float
    rows: int
    is_quick: bool
    effort: Effort
    power: Power
    one_runs: tuple[OneRun, ...]
    pairs: tuple[PairBound, ...]
    check: Check
    exposures: tuple[Exposure, ...]
    memberships: tuple[Membership, ...]
    risks: tuple[Risk, ...]

    def violations(self) -> list[str]:
        """Findings that a mechanism which keeps the guarantee hardly ever gives, in words."""
        return [*self._of_mechanisms(), *self._of_models()]

    def weaknesses(self) -> list[str]:
        """Attacks that did not even succeed where they must, and so prove nothing, in words."""
        found = []
        for exposed in self.exposures:
            if not exposed.is_private and exposed.copies > 1 and not exposed.is_noticed:
                found.append("canaries planted often leave no trace without privacy")
            if exposed.copies == 0 and exposed.is_noticed:
                found.append("canaries that were never planted look exposed")
        for membership in self.memberships:
            if not membership.is_private and membership.area.low <= 0.5:
                found.append("members are not told from others even without privacy")
        for risk in self.risks:
            if not risk.is_conclusive:
                found.append(f"the attack to {risk.attack} on {risk.release} is worse than guesses")
        return found

    def _of_mechanisms(self) -> Iterator[str]:
        for run in self.one_runs:
            if run.is_violation:
                yield (
                    f"the one-run audit with seed {run.seed} proves epsilon "
                    f"{run.epsilon_lower:.3g} where {run.epsilon_claimed:g} is claimed"
                )
        high = [run for run in self.one_runs if run.epsilon_lower > self.power.hardly_ever]
        if not any(run.is_violation for run in high) and is_no_accident(
            len(high), len(self.one_runs)
        ):
            yield (
                f"{len(high)} of {len(self.one_runs)} one-run audits prove up to epsilon "
                f"{max(run.epsilon_lower for run in high):.3g}; what is accounted for gives over "
                f"{self.power.hardly_ever:.3g} once in a thousand runs"
            )
        for pair in self.pairs:
            if pair.is_violation:
                yield (
                    f"{pair.mechanism}: a neighbouring pair proves epsilon "
                    f"{pair.epsilon_lower:.3g} where {pair.epsilon_claimed:.3g} is claimed"
                )
        if self.check.is_violation:
            yield (
                f"it is not true that {self.check.assumption}: {self.check.seen} show it "
                f"(p-value {self.check.p_value:.1g})"
            )

    def _of_models(self) -> Iterator[str]:
        for exposed in self.exposures:
            if exposed.is_private and exposed.copies == 1 and exposed.exceeds(self.epsilon):
                yield (
                    f"canaries planted once are exposed by {exposed.mean:.2f} bits in the mean, "
                    f"more than epsilon {self.epsilon:g} allows"
                )
        for membership in self.memberships:
            if not membership.is_private:
                continue
            if membership.area.low > largest_area(self.epsilon):
                yield "members are told from others better than epsilon allows"
            for false_alarms, hits in zip(FALSE_ALARMS, membership.hits, strict=True):
                if hits.low > largest_hit_rate(self.epsilon, self.delta, false_alarms):
                    yield (
                        f"members are hit more often at {false_alarms:.0%} false alarms than "
                        "epsilon allows"
                    )
