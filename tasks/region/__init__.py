"""A region: one YAML file, one validated model."""

from tasks.region.errors import RegionError
from tasks.region.guarantee import Guarantee
from tasks.region.load import load_region, load_regions
from tasks.region.model import (
    Box,
    Capture,
    Feed,
    Region,
    Snap,
    Synthesizer,
    TripEnds,
    TripField,
    TripNet,
    TripRules,
)

__all__ = [
    "Box",
    "Capture",
    "Feed",
    "Guarantee",
    "Region",
    "RegionError",
    "Snap",
    "Synthesizer",
    "TripEnds",
    "TripField",
    "TripNet",
    "TripRules",
    "load_region",
    "load_regions",
]
