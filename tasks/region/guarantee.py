"""The promise a region makes about every day it publishes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Guarantee(BaseModel):
    """Unit, adjacency, epsilon, delta: one frozen value from the region's YAML to the card.

    Examples:
        >>> Guarantee(epsilon=0.666, delta=3.3e-7).adjacency
        'zero_out'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Literal["trip"] = Field("trip", description="What is protected: one trip.")
    adjacency: Literal["zero_out"] = Field(
        "zero_out",
        description="A neighbouring day has one trip replaced by a null record that contributes "
        "nothing to any query; the number of trips is public.",
    )
    epsilon: float = Field(
        1.0, gt=0, le=10, description="Privacy loss of one service day, for one trip."
    )
    delta: float = Field(
        1e-6, gt=0, lt=1e-4, description="Probability that the loss exceeds epsilon."
    )
