"""The command of a release's own sampler: as many rows as anyone likes, of the fitted density.

    python sampler.pyz ROWS [--table NAME] [--out FILE] [--field FOLDER] [--seed NUMBER]

The file `sampler.pyz` is this module and what it needs of this project; it runs with Python 3.11,
numpy, pyarrow, pydantic and shapely. Rows drawn with it cost no privacy: the density is published.
Where the folder holds roads and docks, ends are moved to them as those of the release were.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tasks import OpentripsError
from tasks.region.ways import WAYS, load_ways
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.snapping import snap_tables
from tasks.synthesis.trip_ends.field import load_field as load_ends
from tasks.synthesis.trip_ends.sampling import sample as sample_ends
from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field.field import FIELD, load_field
from tasks.synthesis.trip_field.sampling import sample

_KINDS: dict[str, Kind] = {"starts": "start", "ends": "end"}


def main(arguments: list[str] | None = None) -> int:
    """Draw rows and write them; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="sampler.pyz", description="Draw synthetic rows from the density of a release."
    )
    parser.add_argument("rows", type=int, help="number of rows")
    parser.add_argument(
        "--table",
        choices=("trips", *_KINDS),
        help="what is drawn (default: trips, or starts where a release has no trips)",
    )
    parser.add_argument(
        "--out", type=Path, help="a .parquet or .csv file (default: more_trips.parquet, likewise)"
    )
    parser.add_argument(
        "--field",
        type=Path,
        default=Path(sys.argv[0]).resolve().parent,
        help="folder of field.npz and field.json (default: the sampler's own)",
    )
    parser.add_argument("--seed", type=int, help="for the same rows every time")
    chosen = parser.parse_args(arguments)
    if chosen.rows < 0:
        parser.error(f"rows must not be negative, got {chosen.rows}")
    if chosen.out is not None and chosen.out.suffix not in (".parquet", ".csv"):
        parser.error(f"--out must end in .parquet or .csv, got {chosen.out}")
    try:
        name = _table_of(chosen.field, chosen.table)
        out = chosen.out or Path(f"more_{name}.parquet")
        table = _drawn(chosen.field, name, chosen.rows, np.random.default_rng(chosen.seed))
        if out.suffix == ".csv":
            pyarrow.csv.write_csv(table, out)
        else:
            pq.write_table(table, out, compression="zstd")
    except (OpentripsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{out}: {table.num_rows:,} rows")
    return 0


def _table_of(folder: Path, wanted: str | None) -> str:
    """The table that is drawn: one that the release has, the first of them by default.

    Raises:
        ModelFileError: If the release has no such table, or there is none.
    """
    path = folder / FIELD.document
    try:
        has = ["trips"] if "rows" in json.loads(path.read_bytes()) else list(_KINDS)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path}: cannot be read ({error}); name its folder by --field") from (
            error
        )
    if wanted is not None and wanted not in has:
        raise ModelFileError(f"{path}: a density of {' and '.join(has)}, not of {wanted}")
    return wanted or has[0]


def _drawn(folder: Path, name: str, rows: int, generator: np.random.Generator) -> pa.Table:
    if name in _KINDS:
        ends = load_ends(folder)
        lattice, table = ends.lattice, sample_ends(ends, _KINDS[name], generator, rows)
    else:
        field = load_field(folder)
        lattice, table = field.lattice, sample(field, rows, generator)
    if (folder / WAYS).exists():
        table = snap_tables(lattice.boxes, load_ways(folder / WAYS), {name: table}).tables[name]
    return table
