"""The taint test: a day, the same day with one trip nulled, and one with that trip elsewhere.

Where ids change with every ride, a trip is its start and its end, which nothing links.

The whole pipeline runs on each with coupled secrets: the same masks, the same noise. What is
published, logged or exported may differ in the declared noisy outputs and nowhere else.
"""

import csv
import datetime as dt
import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from infra.replay import ReplayServer, trips_day
from tasks.check import check_capture, check_ends, check_release, check_sightings, check_trips
from tasks.derive import derive
from tasks.files import Layout, read_manifest, write_manifest
from tasks.generate import generate
from tasks.mobility.distance import haversine
from tasks.privacy.ledger import Ledger
from tasks.publish import publish
from tasks.region import Region
from tasks.release.bundle import DOCUMENTS, documents
from tasks.release.checks import CHECKS, CHECKS_PAGE
from tasks.release.formats.sums import SUMS
from tasks.release.manifest import PublicManifest
from tasks.release.rows import write_rows
from tasks.release.tables import SCHEMAS
from tasks.seal import seal
from tasks.synthesis import sphere
from tasks.synthesis.grid import NULL, Grid, Tokens
from tasks.synthesis.trip_ends import tables
from tasks.synthesis.trip_ends.tables import Events, Kind
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.train import train
from tests.coupling import coupled_secrets
from tests.journeys.conftest import DAY, EveryNth, collect_whole_day, region_of

TRIPS = 120
TRIP = 17  # the one that is nulled, or goes elsewhere
EVERY = 10  # minutes between two polls

NET = {
    "name": "trip_net",
    "levels": 2,
    "hidden_units": 8,
    # so that the trip is drawn in some step
    "sampling_probability": 0.5,
    "steps": 12,
    "reserve_steps": 4,
}
FIELD = {"name": "trip_field", "steps": 12}
REGIONS = [
    pytest.param((FIELD, "static"), id="trip_field"),
    pytest.param((FIELD, "per_trip"), id="trip_ends", marks=pytest.mark.slow),
    pytest.param((NET, "static"), id="trip_net", marks=pytest.mark.slow),
]

NOISY_NUMBERS = ("modelled_trips",)
"""Tables sampled from what is noised that have as many rows as it says; of others the rows may
differ, not their number."""
NOISY_COUNTS = ("measurements.parquet", "field.npz")
"""Published files of noised counts, and of the density fitted to them."""
NOISY_INTERVALS = "intervals.parquet"
"""Published of trips beside them: made of noised counts and of rows."""
PUBLIC_FACTS = ("field.json", "sampler.pyz")
"""Published beside the counts, the same for every day of one size."""
DRAWN_FROM_ROWS = (*DOCUMENTS, "locations.csv", "flows.csv", CHECKS, CHECKS_PAGE)
"""Published files that are functions of the public manifest and the noisy rows."""
FILES_OF_ROWS = ("parquet", "csv.gz", "geo.parquet")
"""Endings of the files that hold the rows of one table."""
NOISY_FACTS = (
    "files",
    "checks.warnings",
    "history.measured",
    "history.link",
    *(f"tables.{name}" for name in NOISY_NUMBERS),
)
"""Fields of the public manifest that speak of noisy rows and counts: lengths, hashes, warnings."""
OF_THE_RUN = ("run_id", "created_at", "updated_at")
"""What the ledger's export says of the run, not of the day."""


@dataclass(frozen=True)
class Run:
    """All that one run of the pipeline tells anyone.

    Attributes:
        release: The published directory.
        lines: Log lines, in order.
        charges: The ledger's export.
        artifacts: Key, text and table of every artifact.
        weights: What is noised: the network's parameters, or the counts.
    """

    release: Path
    lines: list[str]
    charges: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]
    weights: bytes

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.release / "manifest.json").read_bytes()))

    @property
    def public(self) -> PublicManifest:
        """The manifest as documents are made from it: it names the data files."""
        document = self.manifest
        for name in (*DOCUMENTS, SUMS):
            del document["files"][name]
        return PublicManifest.model_validate(document)

    @property
    def rows(self) -> dict[str, pa.Table]:
        names = [name for name in SCHEMAS if name in self.manifest["tables"]]
        return {name: pq.read_table(self.release / f"{name}.parquet") for name in names}

    @property
    def noisy_rows(self) -> list[str]:
        return [f"{name}.{kind}" for name in self.rows for kind in FILES_OF_ROWS]

    @property
    def lines_but_noisy_numbers(self) -> list[str]:
        words = "|".join(name.replace("_", " ") for name in NOISY_NUMBERS)
        return [re.sub(rf"\d+ ({words})", r"some \1", line) for line in self.lines]


class Lines(logging.Handler):
    """Keeps every line that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("prefect.task_runs", "prefect.flow_runs", "tasks", "flows")):
            self.lines.append(f"{record.levelname} {record.getMessage()}")


@contextmanager
def listening() -> Iterator[list[str]]:
    handler, loggers = Lines(), [logging.getLogger(name) for name in ("", "prefect.task_runs")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@pytest.fixture(params=REGIONS)
def region(request: pytest.FixtureRequest) -> Region:
    synthesizer, id_regime = request.param
    return region_of(
        {"feed": "http://127.0.0.1:9/2.3/gbfs.json"},
        time_zone="Etc/GMT-4",
        of_each_feed={"poll_seconds": 60 * EVERY, "source": "taint", "id_regime": id_regime},
        trips={"min_per_day": 50},
        synthesizer=synthesizer,
    )


def write_table(path: Path, moved: int | None = None) -> Path:
    """A day of trips, one vehicle each; the trip `moved` ends elsewhere."""
    generator = np.random.default_rng(5)
    latitude = generator.uniform(38.20, 38.28, TRIPS)
    longitude = generator.uniform(-85.80, -85.66, TRIPS)
    angle = generator.uniform(0, 2 * np.pi, TRIPS)
    if moved is not None:
        angle[moved] += np.pi
    to_latitude, to_longitude = sphere.destination(
        latitude, longitude, generator.uniform(300, 900, TRIPS), angle
    )
    hours = generator.integers(0, 24, TRIPS)
    rows = zip(hours, latitude, longitude, to_latitude, to_longitude, strict=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([h, f"v{i}", *ends] for i, (h, *ends) in enumerate(rows))
    return path


def night_before(region: Region, layout: Layout, table: Path) -> list[str]:
    """From the feed to the checked table of trips; returns what was logged."""
    played = trips_day(table, DAY, id_regime=region.feeds[0].id_regime)
    check = check_trips if region.yields == "trips" else check_ends
    with ReplayServer(EveryNth(played, EVERY)) as server, listening() as lines:
        feed = region.feeds[0].model_copy(update={"url": f"{server.url}/2.3/gbfs.json"})
        read = region.model_copy(update={"feeds": (feed,)})
        collect_whole_day(read, layout)
        for step in (seal, check_capture, check_sightings, derive, check):
            step(read, DAY)
    return lines


def rest_of_the_night(region: Region, layout: Layout, api: str, before: list[str]) -> Run:
    """From the table of trips to the release, with coupled secrets."""
    since = dt.datetime.now(dt.UTC)
    with coupled_secrets(seed=3), listening() as lines:
        for step in (train, generate, check_release, publish):
            step(region, DAY)
    with Ledger(layout.ledger) as ledger:
        charges = [asdict(charge) for charge in ledger.charges()]
    for charge in charges:
        for name in OF_THE_RUN:
            del charge[name]
    kept = layout.root.with_name(f"kept-{len(list(layout.root.parent.iterdir()))}")
    shutil.copytree(layout.root / "releases", kept)
    release = next(kept.glob("*/*/r1"))
    noised = "network.npz" if region.synthesizer.name == "trip_net" else "measurements.npz"
    with np.load(layout.model(region.id, DAY) / noised) as arrays:
        weights = b"".join(arrays[name].tobytes() for name in arrays.files)
    return Run(release, before + lines, charges, artifacts_since(api, since), weights)


def artifacts_since(api: str, since: dt.datetime) -> list[dict[str, Any]]:
    """What was put before staff, without the server's own identifiers and times."""
    answer = requests.post(
        f"{api}/artifacts/filter", json={"sort": "CREATED_DESC", "limit": 50}, timeout=30
    )
    answer.raise_for_status()
    told = [
        {name: artifact[name] for name in ("key", "type", "description", "data")}
        for artifact in answer.json()
        if dt.datetime.fromisoformat(artifact["created"]) >= since
    ]
    assert told
    return sorted(told, key=str)


def null_a_trip(layout: Layout, region: Region, row: int, table: Path) -> None:
    """Replace one trip by a null record: it lies nowhere, so it contributes nothing."""
    if region.yields == "ends":
        null_a_ride(layout, region, row, table)
        return
    directory = layout.trips(region.id, DAY)
    manifest = read_manifest(directory)
    assert manifest is not None
    moves = pq.read_table(directory / "trips.parquet")
    trip = int(np.flatnonzero(moves["is_trip"].to_numpy())[row])
    for name, value in (("area", None), ("origin_latitude", 0.0), ("origin_longitude", 0.0)):
        values = moves[name].to_pylist()
        values[trip] = value
        place = moves.schema.get_field_index(name)
        moves = moves.set_column(place, moves.schema.field(name), pa.array(values))
    pq.write_table(moves, directory / "trips.parquet", compression="zstd")
    fields = {name: value for name, value in manifest.items() if name != "files"}
    write_manifest(directory, fields, manifest["files"])


def null_a_ride(layout: Layout, region: Region, row: int, table: Path) -> None:
    """The same for the start and the end of a trip, which only who played the feed can find."""
    directory = layout.ends(region.id, DAY)
    manifest = read_manifest(directory)
    assert manifest is not None
    ends = pq.read_table(directory / "ends.parquet")
    _, _, *ride = table.read_text().splitlines()[row].split(",")
    places = [ends[name].to_numpy().copy() for name in ("latitude", "longitude")]
    kinds = np.array(ends["kind"].to_pylist())
    for kind, latitude, longitude in (("start", *ride[:2]), ("end", *ride[2:])):
        away = haversine(places[0], places[1], float(latitude), float(longitude))
        found = int(np.where(kinds == kind, away, np.inf).argmin())
        assert away[found] < 20
        for place in places:
            place[found] = 0.0
    for name, place in zip(("latitude", "longitude"), places, strict=True):
        column = ends.schema.get_field_index(name)
        ends = ends.set_column(column, ends.schema.field(name), pa.array(place))
    pq.write_table(ends, directory / "ends.parquet", compression="zstd")
    fields = {name: value for name, value in manifest.items() if name != "files"}
    write_manifest(directory, fields, manifest["files"])


def without(document: dict[str, Any], declared: tuple[str, ...]) -> dict[str, Any]:
    """A manifest without its declared noisy fields."""
    kept = json.loads(json.dumps(document))
    for field in declared:
        *path, last = field.split(".")
        inner = kept
        for name in path:
            inner = inner[name] or {}
        inner.pop(last, None)
    return dict(kept)


def assert_untainted(one: Run, other: Run) -> None:
    """Two runs tell the same but for the declared noisy outputs."""
    assert other.lines_but_noisy_numbers == one.lines_but_noisy_numbers
    assert other.charges == one.charges
    assert other.artifacts == one.artifacts
    names = sorted(path.name for path in one.release.iterdir())
    assert sorted(path.name for path in other.release.iterdir()) == names
    measured = {*NOISY_COUNTS, *PUBLIC_FACTS} if "field.npz" in names else set()
    if measured and "trips" in one.rows:
        measured.add(NOISY_INTERVALS)
    told = {*one.noisy_rows, *DRAWN_FROM_ROWS, *measured}
    assert set(names) == {*told, SUMS, "manifest.json"}
    for name in measured & set(PUBLIC_FACTS):
        assert (other.release / name).read_bytes() == (one.release / name).read_bytes()
    if measured:
        ours, theirs = (pq.read_table(run.release / NOISY_COUNTS[0]) for run in (one, other))
        assert ours.drop(["count"]).equals(theirs.drop(["count"]))
    assert without(other.manifest, NOISY_FACTS) == without(one.manifest, NOISY_FACTS)
    for name, rows in one.rows.items():
        assert other.rows[name].schema == rows.schema
        assert name in NOISY_NUMBERS or other.rows[name].num_rows == rows.num_rows
    for run in (one, other):
        assert_drawn_from_rows(run)


def assert_drawn_from_rows(run: Run) -> None:
    """Page, documents and flows say what manifest and rows say, and nothing else."""
    manifest, rows = run.public, run.rows
    for name, content in documents(manifest, rows, run.release).items():
        assert (run.release / name).read_bytes() == content, name
    files = run.manifest["files"]
    sums = [f"{files[name]['sha256']}  {name}" for name in sorted(files) if name != SUMS]
    assert (run.release / SUMS).read_text(encoding="utf-8").splitlines() == sums
    anew = run.release.with_name("anew")
    anew.mkdir(exist_ok=True)
    for name in write_rows(rows, anew):
        assert (anew / name).read_bytes() == (run.release / name).read_bytes(), name


def again(layout: Layout, derived: Path) -> None:
    """Back to where the day is derived and nothing is charged."""
    shutil.rmtree(layout.root)
    shutil.copytree(derived, layout.root)


@contextmanager
def leaking(region: Region) -> Iterator[None]:
    """Counting that says how many trips, or starts and ends, came to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        if region.yields == "ends":
            patch.setattr(tables, "events", telling_events(tables.events))
        else:
            patch.setattr(Grid, "encode", telling(Grid.encode))
        yield


def telling(encode: Callable[[Grid, pa.Table], Tokens]) -> Callable[[Grid, pa.Table], Tokens]:
    """Encoding that says, in one line, how many trips came to nothing."""

    def encode_and_tell(grid: Grid, trips: pa.Table) -> Tokens:
        tokens = encode(grid, trips)
        if nulls := int((tokens[:, 0] == NULL).sum()):
            logging.getLogger("tasks.synthesis").warning("%d null records", nulls)
        return tokens

    return encode_and_tell


def telling_events(events: Callable[..., Events]) -> Callable[..., Events]:
    """The same of starts, and of ends."""

    def find_and_tell(lattice: Lattice, table: pa.Table, kind: Kind) -> Events:
        found = events(lattice, table, kind)
        if nulls := table["kind"].to_pylist().count(kind) - len(found.hour):
            logging.getLogger("tasks.synthesis").warning("%d null records", nulls)
        return found

    return find_and_tell


def test_rule_14_where_a_trip_went_shows_in_the_noisy_outputs_alone(
    region: Region,
    layout: Layout,
    tasks_alone: None,
    prefect_api: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derived = tmp_path / "derived"
    table = write_table(tmp_path / "day.csv")
    before = night_before(region, layout, table)
    shutil.copytree(layout.root, derived)
    first = rest_of_the_night(region, layout, prefect_api, before)

    again(layout, derived)
    same = rest_of_the_night(region, layout, prefect_api, before)
    assert_untainted(first, same)
    assert same.weights == first.weights  # coupled secrets couple everything
    for path in first.release.iterdir():
        # a fit on several threads rounds as it goes, and its rows follow
        if region.synthesizer.name == "trip_net" or path.name == NOISY_COUNTS[0]:
            assert (same.release / path.name).read_bytes() == path.read_bytes(), path.name

    again(layout, derived)
    null_a_trip(layout, region, TRIP, table)
    nulled = rest_of_the_night(region, layout, prefect_api, before)
    assert_untainted(first, nulled)
    assert nulled.weights != first.weights  # the trip did count

    again(layout, derived)
    null_a_trip(layout, region, TRIP, table)
    with leaking(region):
        leaked = rest_of_the_night(region, layout, prefect_api, before)
    with pytest.raises(AssertionError, match="1 null records"):
        assert_untainted(first, leaked)

    shutil.rmtree(layout.root)
    told = night_before(region, layout, write_table(tmp_path / "moved.csv", moved=TRIP))
    moved = rest_of_the_night(region, layout, prefect_api, told)
    assert_untainted(first, moved)
    assert moved.weights != first.weights
