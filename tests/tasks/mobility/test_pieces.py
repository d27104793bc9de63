import itertools

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.pieces import id_codes, plain, times_of, whole_vehicles
from tasks.schema import SIGHTINGS

COLUMNS = ("vehicle_id", "fetched_at", "current_range_meters")


def table(ids: list[str]) -> pa.Table:
    rows = {"vehicle_id": sorted(ids), "fetched_at": range(len(ids))}
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
    pieces = list(whole_vehicles(chunks, COLUMNS))
    assert all(piece.num_rows for piece in pieces)
    names = [set(piece["vehicle_id"].to_pylist()) for piece in pieces]
    assert sum(map(len, names)) == len(set(ids))
    assert [time for piece in pieces for time in times_of(piece)] == list(range(len(ids)))
    for piece in pieces:
        texts = piece["vehicle_id"].to_pylist()
        codes = id_codes(piece)
        assert (codes[1:] == codes[:-1]).tolist() == [a == b for a, b in itertools.pairwise(texts)]
    assert pa.concat_tables(map(plain, [whole.slice(0, 0), *pieces])).equals(plain(whole))
