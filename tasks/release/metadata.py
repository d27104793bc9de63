"""What a release says of itself to catalogues and tools; every format of it is made from this."""

import datetime as dt
from dataclasses import dataclass

from tasks.region import Box
from tasks.region.one_line import plain
from tasks.release import words, words_of_ends
from tasks.release.licence import Licence, licence_of
from tasks.release.manifest import PublicManifest
from tasks.release.tables import SCHEMAS
from tasks.schema import (
    FLOWS,
    INTERVALS,
    LOCATIONS,
    MEASUREMENTS,
    MEASUREMENTS_OF_ENDS,
    Table,
)

SOFTWARE = "opentrips"
KEYWORDS = (
    "mobility",
    "micromobility",
    "scooter sharing",
    "bicycle sharing",
    "GBFS",
    "origin-destination",
    "synthetic data",
    "differential privacy",
)

_MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".gz": "application/gzip",
    ".npz": "application/zip",
    ".pyz": "application/zip",
}


@dataclass(frozen=True)
class Resource:
    """A data file of a release.

    Attributes:
        file: Its name.
        description: What it is, for people.
        media_type: Its media type.
        bytes: Its length.
        sha256: Its SHA-256, 64 hexadecimal digits.
        table: Its columns, where it is a table of these and nothing else.
    """

    file: str
    description: str
    media_type: str
    bytes: int
    sha256: str
    table: Table | None

    @property
    def stem(self) -> str:
        """The name without its extensions; that of the table, where it is one.

        Examples:
            >>> Resource("trips.csv.gz", "", "application/gzip", 0, "", None).stem
            'trips'
        """
        return self.file.partition(".")[0]


@dataclass(frozen=True)
class Metadata:
    """A release as catalogues, citations and tools know it.

    Attributes:
        name: Unique among the releases of all regions but for the revision; a slug.
        title: For people.
        description: What it is, in sentences.
        version: Of the semantic kind; its first number is the revision.
        licence: Under which it may be used.
        creator: Who publishes it.
        credit: Whose roads and docks are in `ways.geojson.gz`, if they are and somebody said.
        keywords: What it is found by.
        area_name: Name of the region for people.
        published: When it was due, the day after the service day; nothing in a release depends
            on the clock.
        start: First instant of the service day.
        end: First instant after it.
        boxes: The service area.
        limits: What the rows cannot tell, in sentences.
        resources: The data files.
        tables: Number of rows of each table of rows.
    """

    name: str
    title: str
    description: str
    version: str
    licence: Licence
    creator: str
    credit: str | None
    keywords: tuple[str, ...]
    area_name: str
    published: dt.date
    start: dt.datetime
    end: dt.datetime
    boxes: tuple[Box, ...]
    limits: tuple[str, ...]
    resources: tuple[Resource, ...]
    tables: dict[str, int]

    @property
    def interval(self) -> str:
        """The service day as an ISO 8601 interval."""
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    @property
    def citation(self) -> str:
        """How to cite it, in one line."""
        return (
            f"{self.creator} ({self.published.year}): {self.title}. Revision "
            f"{self.version.partition('.')[0]}, {self.name}."
        )


def metadata_of(manifest: PublicManifest) -> Metadata:
    """What the public manifest and the schemas say of a release."""
    region, said = manifest.region, words_of_ends if manifest.is_of_ends else words
    place = plain(region.name) or region.id
    what = "starts, ends and modelled trips" if manifest.is_of_ends else "trips"
    tables = _tables(manifest)
    return Metadata(
        name=f"{region.id}-{manifest.service_day}",
        title=f"{place}: synthetic scooter and bike {what} of {manifest.service_day}",
        description=f"{said.SUMMARY} {_guarantee(manifest)}",
        version=f"{manifest.revision}.0.0",
        licence=licence_of(plain(manifest.licence)),
        creator=plain(manifest.publisher or "") or SOFTWARE,
        credit=plain(credit) if (credit := _credit(manifest)) else None,
        keywords=KEYWORDS,
        area_name=place,
        published=manifest.service_day + dt.timedelta(days=1),
        start=manifest.capture.start,
        end=manifest.capture.end,
        boxes=region.service_area,
        limits=tuple(said.limits(manifest)),
        resources=tuple(
            Resource(
                file=name,
                description=words.file_words(name),
                media_type=_MEDIA_TYPES[name[name.rindex(".") :]],
                bytes=facts.bytes,
                sha256=facts.sha256,
                table=tables.get(name),
            )
            for name, facts in manifest.files.items()
        ),
        tables=manifest.tables,
    )


def _credit(manifest: PublicManifest) -> str | None:
    return manifest.snapping.credit if manifest.snapping else None


def _guarantee(manifest: PublicManifest) -> str:
    guarantee = manifest.guarantee
    per = "vehicle and day" if guarantee.unit == "vehicle_day" else words.unit(manifest)
    return (
        f"Made from public GBFS feeds under differential privacy with epsilon = "
        f"{guarantee.epsilon:g} and delta = {guarantee.delta:g} for one {per}."
    )


def _tables(manifest: PublicManifest) -> dict[str, Table]:
    """The columns of every file that is a declared table, by the file's name."""
    measurements = MEASUREMENTS_OF_ENDS if manifest.is_of_ends else MEASUREMENTS
    return {
        **{f"{name}.{kind}": SCHEMAS[name] for name in SCHEMAS for kind in ("parquet", "csv.gz")},
        "measurements.parquet": measurements,
        "intervals.parquet": INTERVALS,
        "locations.csv": LOCATIONS,
        "flows.csv": FLOWS,
    }
