import itertools

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.pieces import COLUMNS, SCHEMA, whole_vehicles
from tasks.schema import SIGHTINGS


def table(ids: list[str]) -> pa.Table:
    rows = {"vehicle_id": sorted(ids), "fetched_at": range(len(ids))}
    rows |= {"latitude_e6": [0] * len(ids), "longitude_e6": [0] * len(ids)}
    nothing = [None] * len(ids)
    columns = {name: rows.get(name, nothing) for name in SIGHTINGS.names}
    return pa.table(columns, schema=SIGHTINGS.arrow()).select(COLUMNS)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=30),
    st.lists(st.integers(0, 30), max_size=10),
    st.booleans(),
)
def test_no_vehicle_is_in_two_pieces_and_no_row_is_lost(
    ids: list[str], cuts: list[int], encode: bool
) -> None:
    whole = table(ids)
    edges = [0, *sorted(min(cut, len(ids)) for cut in cuts), len(ids)]
    chunks = [whole.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    if encode:
        chunks = [
            chunk.set_column(0, "vehicle_id", chunk["vehicle_id"].dictionary_encode())
            for chunk in chunks
        ]
    pieces = list(whole_vehicles(chunks))
    assert all(len(piece) for piece in pieces)
    names = [set(piece.rows["vehicle_id"].to_pylist()) for piece in pieces]
    assert sum(map(len, names)) == len(set(ids))
    assert [time for piece in pieces for time in piece.times] == list(range(len(ids)))
    for piece in pieces:
        texts = piece.rows["vehicle_id"].to_pylist()
        differs = [i for i, (a, b) in enumerate(itertools.pairwise(texts)) if a != b]
        assert piece.begins.tolist() == [0, *(i + 1 for i in differs)]
        assert piece.ends.tolist() == [*differs, len(texts) - 1]
    rows = [piece.take(np.arange(len(piece))) for piece in pieces]
    assert pa.concat_tables([SCHEMA.empty_table(), *rows]).equals(whole.cast(SCHEMA))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-800, 800)), min_size=1))
def test_no_step_over_50_m_is_left_out_and_none_leads_to_another_vehicle(
    rows: list[tuple[str, int]],
) -> None:
    rows.sort(key=lambda row: row[0])
    columns = {
        "vehicle_id": [name for name, _ in rows],
        "fetched_at": range(len(rows)),
        "latitude_e6": [50_000_000 + place for _, place in rows],
        "longitude_e6": [0] * len(rows),
        "vehicle_type_id": [None] * len(rows),
        "current_range_meters": [None] * len(rows),
    }
    (piece,) = whole_vehicles([pa.table(columns, SCHEMA)])
    steps = [a[0] == b[0] and 0.1112 * abs(b[1] - a[1]) for a, b in itertools.pairwise(rows)]
    far = piece.far.tolist()
    assert {i for i, metres in enumerate(steps) if metres > 50} <= set(far)
    assert all(steps[i] > 35 for i in far)
