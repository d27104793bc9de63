"""What is decided before a private row is read: which mechanism runs, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dp_accounting

from tasks.privacy.accountant import solve_noise
from tasks.privacy.counts import NoisyCount
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.privacy.mechanism import Composition, SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.region.model import Box, Synthesizer, TripEnds, TripField
from tasks.synthesis.trip_ends import EndsMechanism, EndsSettings
from tasks.synthesis.trip_field import FieldMechanism, FieldSettings

COUNT_SHARE = 0.05
"""Share of epsilon that noisy counts take under `add_remove`; a public constant."""

AFTER_MEASURING = frozenset(
    f"synthesis/{name}.py"
    for name in (
        "draw",
        "model_file",
        "nearest",
        "sampler_command",
        "snapping",
        "systematic",
        "trip_ends/fit",
        "trip_ends/measured_table",
        "trip_ends/model",
        "trip_ends/pairing",
        "trip_ends/rides",
        "trip_ends/sampling",
        "trip_ends/state",
        "trip_ends/trips",
        "trip_field/cut",
        "trip_field/density",
        "trip_field/fit",
        "trip_field/layout",
        "trip_field/measured_table",
        "trip_field/model",
        "trip_field/parts",
        "trip_field/popularity",
        "trip_field/sampling",
        "trip_field/state",
        "trip_field/surprise",
        "trip_field/tracks",
    )
)
"""Code that sees noisy counts only. After a crash in it and its repair the night goes on with what
was measured; a file that is not named here may be what measures, and then the charge is lost."""

Rows = int | tuple[int, int]
"""A number of trips; or of starts and of ends, where nothing links them."""
Mechanism = SubsampledGaussian | FieldMechanism | EndsMechanism


@dataclass(frozen=True)
class Plan:
    """Everything about a training that is decided before a private row is read; all public.

    Attributes:
        guarantee: What the release promises.
        service_area: The public service area.
        settings: The synthesizer's settings.
        records: Number of trips n of the day, or of starts and ends, public under `zero_out`; None
            where it is private.
        mechanism: The synthesizer's mechanism, its noise solved for the guarantee.
        count: The noisy count that comes first under `add_remove`: of trips; or one of starts and
            one of ends, of which a ride changes either by one.
    """

    guarantee: Guarantee
    service_area: tuple[Box, ...]
    settings: Synthesizer
    records: Rows | None
    mechanism: Mechanism
    count: NoisyCount | None = None

    def event(self) -> dp_accounting.DpEvent:
        """The event of everything that the charge pays for."""
        counts = (self.count,) * _counts_of(self.settings) if self.count else ()
        return Composition((*counts, self.mechanism)).event()

    @property
    def count_steps(self) -> int:
        """Steps of the charge that come before those of the mechanism: the counting, if any."""
        return 1 if self.count else 0

    @property
    def steps_allowed(self) -> int:
        """Most steps that may be started under the charge."""
        return self.count_steps + self.mechanism.steps_allowed

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values: what makes this training this training."""
        return {
            "synthesizer": self.settings.model_dump(mode="json"),
            "service_area": [box.model_dump(mode="json") for box in self.service_area],
            "guarantee": self.guarantee.model_dump(mode="json"),
            "records": self.records,
            "mechanism": self.mechanism.describe(),
            "count": self.count_described,
            "event": repr(self.event()),
        }

    @property
    def count_described(self) -> Mapping[str, Any] | None:
        """The noisy count as JSON values."""
        if self.count is None:
            return None
        return {**self.count.describe(), "numbers": _counts_of(self.settings)}

    def fingerprint(self, input_sha256: str) -> str:
        """The idempotency key of this training on an input, by the code that reads it."""
        return fingerprint(self.describe(), code_version(without=AFTER_MEASURING), input_sha256)


def make_plan(
    guarantee: Guarantee,
    service_area: tuple[Box, ...],
    settings: Synthesizer,
    records: Rows | None,
) -> Plan:
    """Solve for the noise; no private row is needed.

    Args:
        guarantee: What the release promises.
        service_area: The public service area.
        settings: The synthesizer's settings.
        records: Number of trips n of the day, or of starts and ends, under `zero_out`; None under
            `add_remove`.

    Raises:
        TargetUnreachableError: If no noise meets the guarantee.
    """
    if (records is None) != (guarantee.adjacency == "add_remove"):
        raise ValueError("the number of trips goes into the plan under zero_out, and only there")
    count = None
    if records is None:
        share = COUNT_SHARE / _counts_of(settings)
        count = NoisyCount.within(share * guarantee.epsilon, guarantee.trips_per_unit)

    def mechanism(noise: float) -> Mechanism:
        if isinstance(settings, TripEnds):
            return EndsMechanism(service_area, EndsSettings(steps=settings.steps), noise)
        if isinstance(settings, TripField):
            fit = FieldSettings(steps=settings.steps)
            return FieldMechanism(service_area, fit, noise, guarantee.trips_per_unit)
        return SubsampledGaussian(
            settings.sampling_probability,
            noise,
            settings.steps,
            settings.reserve_steps,
            settings.l2_norm_clip,
        )

    return solve_noise(
        guarantee,
        lambda noise: Plan(guarantee, service_area, settings, records, mechanism(noise), count),
    )


def as_rows(stored: Any) -> Rows:
    """A number, or two, as JSON gives them back.

    Raises:
        ValueError: If it is neither.
        TypeError: Likewise.
    """
    if isinstance(stored, list):
        starts, ends = map(int, stored)
        return starts, ends
    return int(stored)


def _counts_of(settings: Synthesizer) -> int:
    """How many numbers are counted where they are private."""
    return 2 if isinstance(settings, TripEnds) else 1
