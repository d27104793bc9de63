"""Do the noisy counts, the density and the sampler fit the manifest?"""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.archive.verification.accounting import measurement_of
from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.measured import MEASURED
from tasks.release.sampler import SAMPLER, sampler_archive
from tasks.release.software import installed_software
from tasks.synthesis import trip_ends, trip_field
from tasks.synthesis.trip_ends.measured_table import measured_table as measured_table_of_ends
from tasks.synthesis.trip_ends.tables import table_sizes as sizes_of_ends
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.synthesis.trip_field.measured_table import measured_table
from tasks.synthesis.trip_field.tables import table_sizes


def check_measured(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Everything that is published of a measurement; nothing where a network was trained."""
    if not isinstance(manifest.mechanism, GaussianCounts):
        return
    load = trip_ends.load_field if manifest.is_of_ends else trip_field.load_field
    lattice = load(source.folder).lattice
    boxes = manifest.region.service_area
    fault = "field.json is of another service area"
    yield from judged(
        "field",
        [] if lattice.boxes == boxes else [fault],
        f"the density lies on {lattice.blocks:,} blocks of the service area",
    )
    yield from _sizes(manifest.mechanism, lattice, manifest.is_of_ends)
    measurement = measurement_of(manifest.mechanism)
    table = pq.read_table(source.folder / MEASURED)
    faults = list(_faults(table, _expected(manifest, lattice, measurement), measurement))
    fine = (
        f"{table.num_rows:,} counts in {len(measurement.tables)} tables, each place and hour once, "
        "with the noise that the manifest states"
    )
    yield from judged("counts", faults, fine)


def check_sampler(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Whether the sampler is the one of this version; it is never run."""
    path = source.folder / SAMPLER
    if not path.is_file():
        return
    content, own = path.read_bytes(), installed_software().opentrips
    if manifest.software.opentrips == own:
        fault = f"{SAMPLER} is not the one of opentrips {own}, which made the release"
        is_same = content == sampler_archive()
        yield from judged("sampler", [] if is_same else [fault], f"{SAMPLER} is ours, byte by byte")
        return
    broken = zipfile.ZipFile(io.BytesIO(content)).testzip()
    if broken is not None:
        yield Finding("sampler", "fault", f"{SAMPLER} is damaged at {broken}")
        return
    said = f"{SAMPLER} is of opentrips {manifest.software.opentrips}, not {own}; it was not run"
    yield Finding("sampler", "open", said)


def _sizes(mechanism: GaussianCounts, lattice: Lattice, is_of_ends: bool) -> Iterator[Finding]:
    """Whether each table has the cells of its lattice, and a trip touches as many as stated."""
    if is_of_ends:
        due = {name: (cells, 1) for name, cells in sizes_of_ends(lattice).items()}
    else:
        due = table_sizes(lattice)
    faults = [
        f"table {table.name} is stated with {table.cells:,} cells, {table.distinct} of them "
        f"touched by a trip; it is {_said(due.get(table.name))}"
        for table in mechanism.tables
        if due.get(table.name) != (table.cells, table.distinct)
    ]
    yield from judged("sensitivity", faults, "a trip touches as many cells as are accounted for")


def _said(due: tuple[int, int] | None) -> str:
    return "none that is known" if due is None else f"{due[0]:,} cells, {due[1]} of them touched"


def _expected(
    manifest: PublicManifest, lattice: Lattice, measurement: WeightedMeasurement
) -> pa.Table:
    """What is counted, in every row, with its noise; the counts themselves are none."""
    nothing = {table.name: np.zeros(table.cells, np.int64) for table in measurement.tables}
    if manifest.is_of_ends:
        numbers = manifest.tables["starts"], manifest.tables["ends"]
        of_ends = trip_ends.EndsPlan(lattice, *numbers, trip_ends.EndsSettings(), measurement)
        return measured_table_of_ends(trip_ends.EndsMeasurements(of_ends, nothing))
    plan = trip_field.Plan(lattice, manifest.rows, trip_field.FieldSettings(), measurement)
    return measured_table(trip_field.Measurements(plan, nothing))


def _faults(table: pa.Table, due: pa.Table, measurement: WeightedMeasurement) -> Iterator[str]:
    if not table.schema.equals(due.schema, check_metadata=True):
        yield f"{MEASURED} does not have the columns of its schema"
        return
    if table.num_rows != due.num_rows:
        yield f"{table.num_rows:,} counts instead of {due.num_rows:,}"
    elif not table.drop(["count", "stddev"]).equals(due.drop(["count", "stddev"])):
        yield "the places, hours and distances of the counts are not those of the density's lattice"
    multipliers = {each.name: each.multiplier for each in measurement.tables}
    stddevs = {each.name: each.stddev for each in measurement.tables}
    names = table["counted"].to_pylist()
    counts = table["count"].to_numpy() * np.array([multipliers.get(name, 1) for name in names])
    noise = np.array([stddevs.get(name, np.nan) for name in names])
    if other := int((table["stddev"].to_numpy() != noise).sum()):
        yield f"{other:,} counts state other noise than the manifest"
    if broken := int((counts != np.round(counts)).sum()):
        yield f"{broken:,} counts are none that this noise gives, which is in whole steps"
