"""The command of a release's own sampler: as many rows as anyone likes, of the fitted density.

    python sampler.pyz ROWS [--out FILE] [--field FOLDER] [--seed NUMBER]

The file `sampler.pyz` is this module and what it needs of this project; it runs with Python 3.11,
numpy, pyarrow, pydantic and shapely. Rows drawn with it cost no privacy: the density is published.
Where the folder holds roads and docks, ends are moved to them as those of the release were.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq

from tasks import OpentripsError
from tasks.region.ways import WAYS, load_ways
from tasks.synthesis.snapping import snap_tables
from tasks.synthesis.trip_field.field import load_field
from tasks.synthesis.trip_field.sampling import sample


def main(arguments: list[str] | None = None) -> int:
    """Draw rows and write them; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="sampler.pyz", description="Draw synthetic trips from the density of a release."
    )
    parser.add_argument("rows", type=int, help="number of rows")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("more_trips.parquet"),
        help="a .parquet or .csv file (default: more_trips.parquet)",
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
    if chosen.out.suffix not in (".parquet", ".csv"):
        parser.error(f"--out must end in .parquet or .csv, got {chosen.out}")
    try:
        field = load_field(chosen.field)
        table = sample(field, chosen.rows, np.random.default_rng(chosen.seed))
        if (chosen.field / WAYS).exists():
            ways = load_ways(chosen.field / WAYS)
            table = snap_tables(field.lattice.boxes, ways, {"trips": table}).tables["trips"]
        if chosen.out.suffix == ".csv":
            pyarrow.csv.write_csv(table, chosen.out)
        else:
            pq.write_table(table, chosen.out, compression="zstd")
    except (OpentripsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{chosen.out}: {table.num_rows:,} rows")
    return 0
