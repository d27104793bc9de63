"""Settings of the synthesizer `trip_field`, all public: what is measured, and how it is fitted."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Shares:
    """What an ordinary day gives each table of the squared budget; 0 leaves a table out.

    What a day gives follows from that and from its size (`budget.divide`).

    Attributes:
        ends: Both ends of a trip by cell; a trip within one cell counts once there.
        block_ends: The same by block.
        origins: Origins by cell: what tells the two ends apart.
        block_hours: Hours by the origin's block.
        area_hours: Hours by service area.
        hours: Hours.
        flows: Pairs of near blocks.
        area_distances: Quarter octaves of distance by service area.
        distances: Quarter octaves of distance.
        bearings: Bearings by octave of distance.
        hour_octaves: Octaves of distance by hour and service area.
        quarters: Both ends by quarter of a cell.
        sixteenths: Both ends by sixteenth of a cell.
    """

    ends: float = 0.27
    block_ends: float = 0.06
    origins: float = 0.06
    block_hours: float = 0.16
    area_hours: float = 0.025
    hours: float = 0.02
    flows: float = 0.12
    area_distances: float = 0.025
    distances: float = 0.02
    bearings: float = 0.02
    hour_octaves: float = 0.02
    quarters: float = 0.09
    sixteenths: float = 0.11

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        if min(values) < 0 or sum(values) <= 0:
            raise ValueError(f"shares of the budget must not be negative, nor all zero: {self}")


@dataclass(frozen=True)
class Prior:
    """Standard deviations of the effects, on the logarithmic scale, before anything is measured.

    Most of a map is empty: effects of blocks, squares and cells reach `block_depth`,
    `square_depth` and `cell_depth` times as far down as up.

    Attributes:
        area: Of a whole service area.
        block: Of a block.
        block_depth: See above.
        square: Of 2 x 2 cells.
        square_depth: See above.
        cell: Of a cell.
        cell_depth: See above.
        block_difference: Of a block, half of what tells origins and destinations apart.
        cell_difference: Of a cell, likewise.
        pair: Of a pair of near blocks, beyond what gravity says.
        distance: Of a step to the next distance bin.
        bearing: Of a bearing within an octave of distance.
        area_octave: Of an octave of distance in a service area.
        hour_octave: Of an octave of distance at an hour.
        area_hour_octave: Of the same in a service area.
        area_hours: Of an area's hours.
        block_hours: Of a block's hours.
    """

    area: float = 2.0
    block: float = 2.0
    block_depth: float = 3.0
    square: float = 1.5
    square_depth: float = 2.0
    cell: float = 1.0
    cell_depth: float = 2.0
    block_difference: float = 0.2
    cell_difference: float = 0.15
    pair: float = 0.5
    distance: float = 0.5
    bearing: float = 0.3
    area_octave: float = 0.3
    hour_octave: float = 0.3
    area_hour_octave: float = 0.3
    area_hours: float = 0.7
    block_hours: float = 0.4


@dataclass(frozen=True)
class FieldSettings:
    """What is measured, and what is believed beforehand.

    Attributes:
        shares: How the budget is divided.
        prior: Standard deviations of the effects.
        steps: Steps of the fit, >= 1.
        learning_rate: Adam's step, in standard deviations of the prior, > 0.
    """

    shares: Shares = Shares()
    prior: Prior = Prior()
    steps: int = 400
    learning_rate: float = 0.05
