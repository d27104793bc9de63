"""What is measured of a run, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tasks.comparison import FigureName
from tasks.release.numbers import distance as metres

Unit = Literal["share", "nats", "bits", "rows", "distance", "number"]
FILTERS = ("none", "similarity", "outliers", "both")
"""What generated rows may have gone through."""


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        words: What it is.
        unit: What it is measured in.
    """

    words: str
    unit: Unit


FIGURES: Mapping[FigureName, Figure] = {
    "loss": Figure("Loss on training rows, nats a character", "nats"),
    "held_out_loss": Figure("Loss on held-out rows, nats a character", "nats"),
    "accuracy": Figure("Characters of training rows predicted right", "share"),
    "held_out_accuracy": Figure("Characters of held-out rows predicted right", "share"),
    "accuracy_lost": Figure("Accuracy lost, on held-out rows", "share"),
    "valid": Figure("Generated rows that are valid", "share"),
    "identical_rows": Figure("Generated rows identical to a training row or canary", "rows"),
    "replays_of_training_rows": Figure("Identical to a training row", "rows"),
    "replays_of_canaries": Figure("Identical to a canary", "rows"),
    "canaries_replayed": Figure("Canaries that come up", "rows"),
    "replays_of_held_out_rows": Figure("Identical to a held-out row, by chance", "rows"),
    "exposure": Figure("Exposure of planted canaries, mean, bits", "bits"),
    "unseen_exposure": Figure("Exposure of canaries never planted, mean, bits", "bits"),
    "exposure_p_value": Figure("Chance of that exposure if none was noticed", "number"),
    "distance_1": Figure("Distance to the closest training row, 1st percentile", "distance"),
    "held_out_distance_1": Figure("Distance of held-out rows to it, 1st percentile", "distance"),
    "distance_5": Figure("Distance to the closest training row, 5th percentile", "distance"),
    "held_out_distance_5": Figure("Distance of held-out rows to it, 5th percentile", "distance"),
    "distance_50": Figure("Distance to the closest training row, median", "distance"),
    "held_out_distance_50": Figure("Distance of held-out rows to it, median", "distance"),
    "epsilon": Figure("Epsilon of a row", "number"),
    "noise_multiplier": Figure("Noise multiplier", "number"),
    "seconds_an_epoch": Figure("Seconds an epoch", "number"),
    "rows_a_second": Figure("Rows generated a second", "number"),
}
"""Of a configuration, in the order of the page."""


def said(value: float, unit: Unit, in_metres: bool) -> str:
    """A figure for people.

    Args:
        value: The figure.
        unit: Its unit.
        in_metres: Whether distances are in metres.

    Examples:
        >>> said(0.034, "share", False), said(30.0, "rows", False), said(1480.0, "distance", True)
        ('3.4 %', '30', '1.48 km')
        >>> said(3408.7, "number", False)
        '3,409'
    """
    match unit:
        case "share":
            return f"{100 * value:.3g} %"
        case "rows":
            return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
        case "bits":
            return f"{value:.2f}"
        case "nats":
            return f"{value:.3f}"
        case "distance":
            return metres(value) if in_metres else f"{value:.4f}"
        case "number":
            return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"
