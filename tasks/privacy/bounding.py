"""Bounding: at most K trips of each vehicle, by secret random choice.

Under `vehicle_day` one record is a vehicle with all its trips of the day, of which at most K are
used. Each trip gets a number from a keyed hash of its own row, and a vehicle's trips with the K
smallest numbers stay. So what stays of a vehicle depends on the key and on that vehicle's rows
alone: taking a vehicle out of the day takes its record out and leaves all others as they are.

The key is made anew for each attempt and written nowhere. An attempt that goes on after a crash
therefore chooses other trips. That costs nothing: given any sequence of keys, which owes nothing
to the day, the records of two neighbouring days differ by one vehicle in every step, which is all
that the accountant assumes; so the guarantee holds for each sequence, and then for the mixture of
all. No benefit is claimed for the choice: a trip that was not chosen is protected like its
vehicle, and not more. The number of trips that stay does not depend on the key.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.privacy.keyed_hash import KeyedHash

NONE = -1
"""Fills the places of a vehicle with fewer than K trips."""


def bounded_groups(
    vehicles: Sequence[Hashable], rows: Sequence[bytes], limit: int, choice: KeyedHash
) -> NDArray[np.int64]:
    """The trips that stay, by vehicle.

    Args:
        vehicles: The vehicle of each trip.
        rows: The content of each trip's row, its vehicle included.
        limit: Most trips of a vehicle, K >= 1.
        choice: The attempt's keyed hash.

    Returns:
        Indices of trips, shape (vehicles, limit), one row per vehicle in the order of their first
        trips; missing ones are -1.

    Examples:
        >>> groups = bounded_groups("abaa", [b"1", b"2", b"3", b"4"], 2, KeyedHash())
        >>> groups.shape, groups[1].tolist()
        ((2, 2), [1, -1])
        >>> set(groups[0]) < {0, 2, 3}
        True
    """
    if limit < 1:
        raise ValueError(f"at least one trip of a vehicle must stay, got a limit of {limit}")
    trips: dict[Hashable, list[tuple[int, int]]] = {}
    for index, (vehicle, row) in enumerate(zip(vehicles, rows, strict=True)):
        trips.setdefault(vehicle, []).append((choice.of([row]), index))
    groups = np.full((len(trips), limit), NONE, np.int64)
    for group, numbered in zip(groups, trips.values(), strict=True):
        kept = [index for _, index in sorted(numbered)[:limit]]
        group[: len(kept)] = kept
    return groups
