"""Comparing derived trips with the table that a replay played."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import KDTree

from tasks.region import load_region

ENDS = ["origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude"]
JITTER_DEGREES = 1e-4
"""A few metres of jitter: 11 m of latitude, 7 m of longitude at 48 degrees north."""


def inside(table: Path, region: Path) -> pd.DataFrame:
    """The table's trips both ends of which lie in one service area."""
    trips = pd.read_csv(table, header=None, skipinitialspace=True, names=["hour", "vehicle", *ENDS])
    kept = np.zeros(len(trips), dtype=bool)
    for box in load_region(region).service_area:
        kept |= (
            trips[[ENDS[0], ENDS[2]]].ge(box.south).all(axis=1)
            & trips[[ENDS[0], ENDS[2]]].le(box.north).all(axis=1)
            & trips[[ENDS[1], ENDS[3]]].ge(box.west).all(axis=1)
            & trips[[ENDS[1], ENDS[3]]].le(box.east).all(axis=1)
        )
    return trips[kept]


def unmatched(expected: pd.DataFrame, derived: pd.DataFrame, hour_offset: int) -> int:
    """How many expected trips have no derived one of their own with the same hour and ends."""
    missing = 0
    for hour in range(24):
        want = expected.loc[expected["hour"] == hour, ENDS].to_numpy()
        have = derived.loc[derived["hour"] == (hour + hour_offset) % 24, ENDS].to_numpy()
        near = KDTree(want).sparse_distance_matrix(KDTree(have), JITTER_DEGREES, p=np.inf)
        near = csr_array(near)
        near.data[:] = 1  # a distance of zero is a match too
        missing += int((maximum_bipartite_matching(near, perm_type="column") < 0).sum())
    return missing
