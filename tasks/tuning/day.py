"""The days that runs are made of: simulated, or rows that are published already. Never private."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from tasks.cities.city import CITIES
from tasks.files import Layout, read_manifest, sha256_of, verify_files
from tasks.files.manifest import MANIFEST
from tasks.quality.metrics import compare
from tasks.quality.validity import valid_share
from tasks.region import Box
from tasks.release.manifest import PublicManifest
from tasks.release.tables import MODELLED, PARQUET
from tasks.schema import RELEASE
from tasks.search import Data, Released, SearchError, Simulated, Tabled
from tasks.tuning.table_day import TableDay


@dataclass(frozen=True)
class TripDay:
    """A day that may be looked at as often as one likes.

    Attributes:
        areas: The public service area.
        trips: Its trips, columns as `tasks.schema.RELEASE`.
    """

    areas: tuple[Box, ...]
    trips: pa.Table

    @property
    def rows(self) -> int:
        """Number of trips."""
        return int(self.trips.num_rows)

    def valid_share(self, rows: pa.Table) -> float:
        """Share of synthetic rows that could be trips, 0 to 1."""
        return valid_share(rows, self.trips, self.areas)

    def figures(self, rows: pa.Table) -> dict[str, float]:
        """How close synthetic rows are; see `tasks.quality.metrics.Closeness`."""
        return asdict(compare(self.trips, rows, self.areas))


Day = TripDay | TableDay
"""What a run is made of and judged by."""


def read_day(data: Data, source: str, seed: int, layout: Layout) -> Day:
    """The day of a source.

    Args:
        data: The search's.
        source: One of its sources.
        seed: Draws the day of a city, or a table.
        layout: Which folder is private.

    Raises:
        SearchError: If the source is no release.
        FileError: If the release was altered.
    """
    if isinstance(data, Tabled):
        return TableDay.simulated(source, data.rows, seed)
    if isinstance(data, Simulated):
        city = next(city for city in CITIES if city.name == source)
        return TripDay(city.areas, city.day(data.trips, seed))
    release = Path(source)
    table = MODELLED if (release / MODELLED).exists() else PARQUET
    areas = _public_manifest(release, layout).region.service_area
    return TripDay(areas, pq.read_table(release / table, columns=list(RELEASE.names)))


def identity_of(data: Data, source: str) -> Mapping[str, str | int]:
    """What tells the days of a source from others, beside the seed; JSON values."""
    if isinstance(data, Tabled):
        return {"table": source, "rows": data.rows}
    if isinstance(data, Simulated):
        return {"city": source, "trips": data.trips}
    return {"release_sha256": sha256_of(Path(source) / MANIFEST)}


def refuse_private(data: Data, layout: Layout) -> None:
    """Refuse days that are not published, before anything reads a row of them.

    Raises:
        SearchError: If a source is no release, or has too few rows to judge others by.
        FileError: If a release was altered.
        QualityError: Likewise.
    """
    if not isinstance(data, Released):
        return
    for source in data.sources:
        day = read_day(data, source, 0, layout)
        assert isinstance(day, TripDay)
        if not day.rows:
            raise SearchError(f"{source}: a release without rows; take another day")
        day.valid_share(day.trips)


def _public_manifest(release: Path, layout: Layout) -> PublicManifest:
    if release.resolve().is_relative_to(layout.private.resolve()):
        raise SearchError(
            f"{release}: lies in the private folder; settings are never searched on private days, "
            "name a published revision or take simulated days"
        )
    manifest = read_manifest(release)
    if manifest is None:
        raise SearchError(f"{release}: no release there; name the folder of a published revision")
    try:
        public = PublicManifest.model_validate(manifest)
    except ValidationError as error:
        raise SearchError(
            f"{release}: its manifest is not that of a release; settings are searched on what is "
            "published, never on private days"
        ) from error
    verify_files(release, manifest)
    return public
