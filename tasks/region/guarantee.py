"""The promise a region makes about every day it publishes."""

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.region.settings import Settings


class Guarantee(Settings):
    """Unit, adjacency, epsilon, delta: one frozen value from the region's YAML to the card.

    Examples:
        >>> Guarantee(epsilon=0.666, delta=3.3e-7).adjacency
        'zero_out'
        >>> Guarantee(
        ...     unit="vehicle_day", adjacency="add_remove", max_trips_per_vehicle=4
        ... ).trips_per_unit
        4
    """

    unit: Literal["trip", "vehicle_day"] = Field(
        "trip",
        description="What is protected: one trip, or (`vehicle_day`) all trips of one vehicle on "
        "one day together. Take `vehicle_day` for feeds known to leave vehicles in the feed while "
        "they are ridden, where one ride becomes several trips.",
    )
    max_trips_per_vehicle: int | None = Field(
        None,
        ge=1,
        le=100,
        description="With `vehicle_day`: of each vehicle at most so many trips of a day are used, "
        "by secret random choice.",
    )
    adjacency: Literal["zero_out", "add_remove"] = Field(
        "zero_out",
        description="`zero_out`: a neighbouring day has one trip replaced by a null record that "
        "contributes nothing to any query; the number of trips is public. `add_remove`: it has "
        "one trip (or vehicle) more or less; the number of trips is private, and a noisy count of "
        "them, charged to the budget, decides on the size of the release.",
    )
    epsilon: float = Field(
        1.0, gt=0, le=10, description="Privacy loss of one service day, for one unit."
    )
    delta: float = Field(
        1e-6, gt=0, lt=1e-4, description="Probability that the loss exceeds epsilon."
    )

    @model_validator(mode="after")
    def _unit_fits_the_rest(self) -> Self:
        if self.unit == "vehicle_day":
            if self.adjacency != "add_remove":
                raise ValueError("unit vehicle_day needs adjacency add_remove; set it")
            if self.max_trips_per_vehicle is None:
                raise ValueError(
                    "unit vehicle_day needs max_trips_per_vehicle: how many trips of a vehicle "
                    "are used; set it, to 4 for example"
                )
        elif self.max_trips_per_vehicle is not None:
            raise ValueError(
                "max_trips_per_vehicle bounds the trips of a vehicle; remove it, or set unit to "
                "vehicle_day"
            )
        return self

    @property
    def trips_per_unit(self) -> int:
        """Most trips that one unit contributes: K for `vehicle_day`, else 1."""
        return self.max_trips_per_vehicle or 1
