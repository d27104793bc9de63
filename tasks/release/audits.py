"""What audits of the synthesizers have proven, as data: public constants, of no released day.

Measured by `opentrips audit`; the README has all figures, and what each attack does.
"""

from dataclasses import dataclass

AUDITED = "opentrips 0.1.0 of 2026-11-24"
"""The version that was audited."""
TWIN = "the simulated city of 7,886 trips; no day that is released was read"
"""What it was audited on."""

SETTINGS = {"trip_net": "with 300 steps at a learning rate of 0.015 and no days before"}
"""What a synthesizer was audited with, where it has settings that affect privacy."""


@dataclass(frozen=True)
class Audit:
    """What one attack proved of one mechanism.

    Attributes:
        attack: Which one, for people.
        accounted: Epsilon that the accountant states for what was attacked.
        proven: Lower bounds on it that the attack proved, one per run.
    """

    attack: str
    accounted: float
    proven: tuple[float, ...]


_ONE_RUN = "one run with 4,096 canaries (Steinke, Nasr and Jagielski 2023)"
_PAIRS = "neighbouring pairs at delta "

AUDITS = {
    "trip_field": (
        Audit(_ONE_RUN, 4, (1.45, 1.45, 1.60)),
        Audit(f"{_PAIRS}0.05", 1.19, (1.09,)),
        Audit(f"{_PAIRS}10⁻⁶", 4, (1.57,)),
    ),
    "trip_net": (
        Audit(_ONE_RUN, 4, (1.50, 1.28, 1.41)),
        Audit(f"{_PAIRS}0.05", 0.87, (0.82,)),
        Audit(f"{_PAIRS}10⁻⁶", 4, (2.08,)),
    ),
    "trip_ends": (),
}
"""The audits of each synthesizer; of `trip_ends` no figures were published."""
