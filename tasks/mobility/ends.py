"""Starts and ends of rides that nothing links, for feeds whose ids do not survive a ride.

An id that vanishes between two consecutive polls marks a start, one that appears marks an end (Xu
et al., "Micromobility Trip Origin and Destination Inference Using General Bikeshare Feed
Specification Data", arXiv:2010.12006, whose case of ids that change after each trip this is). The
paper goes on to match ends with starts; here nothing is matched.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.areas import area_of
from tasks.mobility.moves import MINIMUM_MOVE_M
from tasks.mobility.regime import find_steps
from tasks.mobility.runs import Runs, RunsOfDay
from tasks.mobility.trips import local_hour
from tasks.region import Region
from tasks.schema import ENDS


def ends_table(of_day: RunsOfDay, feed: str, region: Region) -> pa.Table:
    """The starts and ends of one feed and one service day.

    An id that comes back within 100 m of where it left was not ridden. Not counted is what
    cannot be told: what happened before the first poll and after the last one, and in a gap longer
    than the region's `trips.max_gap_minutes`. Reservations that end with a ride, vehicles brought
    and taken away and ids that change while the vehicle stands are among the ends.

    Of a feed declared `per_trip` every id is judged by itself: what the ids of other vehicles did
    decides nothing, for a ride must not change what is counted of others. Of other feeds, whose
    ends are not released, a step is left out in which all ids or most of them changed; a feed that
    names its vehicles anew in every poll has no such thing as an end.

    Args:
        of_day: The runs of the ids of that day.
        feed: Id of the feed.
        region: Service area, time zone and rules.

    Returns:
        Schema `tasks.schema.ENDS`, by time, kind and place: the order tells nothing of the ids.
    """
    day = of_day.polls
    within = day.step_ms <= region.trips.max_gap_minutes * 60_000
    if any(each.id == feed and each.id_regime != "per_trip" for each in region.feeds):
        within &= find_steps(of_day).calm
    known = np.append(within, False)  # nothing is known of the last poll
    found = [ENDS.arrow().empty_table()]
    for runs in of_day:
        for kind, poll, place in _ends(runs, known):
            times = (day.confirmed if kind == "start" else day.times)[poll]
            found.append(_table(feed, kind, times, place / 1e6, region))
    return pa.concat_tables(found).sort_by(
        [(name, "ascending") for name in ("time", "kind", "latitude", "longitude")]
    )


def count_ends(table: pa.Table) -> dict[str, int]:
    """`starts` and `ends` inside the service area, and those of either kind that are `outside`.

    Args:
        table: Schema `tasks.schema.ENDS`.
    """
    inside = table.filter(table["area"].is_valid())
    kinds = Counter(inside["kind"].to_pylist())
    return {
        "starts": kinds["start"],
        "ends": kinds["end"],
        "outside": table.num_rows - inside.num_rows,
    }


def _ends(
    runs: Runs, known: NDArray[np.bool_]
) -> list[tuple[str, NDArray[np.int64], NDArray[np.int32]]]:
    """Kind, polls and places: starts are where runs end, ends are where they begin."""
    back = runs.away_m() <= MINIMUM_MOVE_M
    start = known[runs.last] & ~np.append(back[1:], False)
    end = known[runs.first - 1] & ~back
    return [
        ("start", runs.last[start], runs.last_place[:, start]),
        ("end", runs.first[end], runs.first_place[:, end]),
    ]


def _table(
    feed: str,
    kind: str,
    times: NDArray[np.int64],
    place: NDArray[np.float64],
    region: Region,
) -> pa.Table:
    time = pa.chunked_array([pa.array(times, ENDS.column("time").type)])
    columns = {
        "feed": pa.array([feed] * len(times), pa.string()),
        "kind": pa.array([kind] * len(times), pa.string()),
        "time": time,
        "hour": local_hour(time, region.time_zone),
        "latitude": place[0],
        "longitude": place[1],
        "area": area_of(region.service_area, (place[0], place[1])),
    }
    return pa.table([columns[name] for name in ENDS.names], schema=ENDS.arrow())
