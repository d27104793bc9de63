"""Settings of the synthesizer `trip_ends`, all public: what is measured, and how it is fitted."""

from dataclasses import dataclass, field, fields

from tasks.synthesis.trip_field.settings import Prior


@dataclass(frozen=True)
class EndsShares:
    """What an ordinary day gives each table of the squared budget; 0 leaves a table out.

    What a day gives follows from that and from its size (`trip_field.budget.divide`). Each is
    halved: one table counts starts, one like it counts ends.

    Attributes:
        cells: By cell.
        blocks: By block.
        block_hours: Hours by block.
        area_hours: Hours by service area.
        hours: Hours.
        quarters: By quarter of a cell.
        sixteenths: By sixteenth of a cell.
    """

    cells: float = 0.42
    blocks: float = 0.07
    block_hours: float = 0.2
    area_hours: float = 0.03
    hours: float = 0.02
    quarters: float = 0.12
    sixteenths: float = 0.14

    def __post_init__(self) -> None:
        values = [getattr(self, each.name) for each in fields(self)]
        if min(values) < 0 or sum(values) <= 0:
            raise ValueError(f"shares of the budget must not be negative, nor all zero: {self}")


@dataclass(frozen=True)
class EndsPrior:
    """Standard deviations of the effects, on the logarithmic scale, before anything is measured.

    Attributes:
        places: Of places, their parts and hours, as in `trip_field`; what it says of pairs,
            distances and bearings is not used.
        hours_difference: Of the hours, half of what tells starts and ends apart.
        block_hours_difference: Of a block's hours, likewise.
    """

    places: Prior = field(default_factory=Prior)
    hours_difference: float = 0.15
    block_hours_difference: float = 0.3


@dataclass(frozen=True)
class EndsSettings:
    """What is measured, and what is believed beforehand.

    Attributes:
        shares: How the budget is divided.
        prior: Standard deviations of the effects.
        steps: Steps of the fit, >= 1.
        learning_rate: Adam's step, in standard deviations of the prior, > 0.
    """

    shares: EndsShares = EndsShares()
    prior: EndsPrior = EndsPrior()
    steps: int = 400
    learning_rate: float = 0.05
