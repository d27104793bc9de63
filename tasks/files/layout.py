"""Where everything lies: one private tree and one public tree, never mixed."""

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Layout:
    """The paths of all data, below one root.

    Attributes:
        root: `data/` of the clone unless the environment variable OPENTRIPS_DATA names another.

    Examples:
        >>> import datetime as dt
        >>> layout = Layout(Path("data"))
        >>> layout.releases("demo", dt.date(2026, 5, 20)).as_posix()
        'data/releases/demo/2026-05-20'
    """

    root: Path

    @classmethod
    def from_environment(cls) -> Self:
        """The layout below OPENTRIPS_DATA, by default below `data` in the working directory."""
        return cls(Path(os.environ.get("OPENTRIPS_DATA", "data")).absolute())

    @property
    def ledger(self) -> Path:
        """The SQLite file of the privacy ledger."""
        return self.root / "private" / "ledger.sqlite"

    def journal(self, region: str, feed: str) -> Path:
        """The journal of one feed: a directory with one folder per service day."""
        return self.root / "private" / region / "journal" / feed

    def sightings(self, region: str, day: dt.date) -> Path:
        """The sealed service day: sightings and polls of every feed."""
        return self.root / "private" / region / "sightings" / day.isoformat()

    def trips(self, region: str, day: dt.date) -> Path:
        """The private table of moves of one service day."""
        return self.root / "private" / region / "trips" / day.isoformat()

    def ends(self, region: str, day: dt.date) -> Path:
        """The private table of unlinked starts and ends of one service day."""
        return self.root / "private" / region / "ends" / day.isoformat()

    def derived(self, region: str, day: dt.date, yields: str) -> Path:
        """The file of what was derived of one service day: its trips, or its starts and ends.

        Examples:
            >>> Layout(Path("data")).derived("demo", dt.date(2026, 5, 20), "ends").as_posix()
            'data/private/demo/ends/2026-05-20/ends.parquet'
        """
        directory = self.trips(region, day) if yields == "trips" else self.ends(region, day)
        return directory / ("trips.parquet" if yields == "trips" else "ends.parquet")

    def model(self, region: str, day: dt.date) -> Path:
        """The trained model of one service day, its checkpoint and its privacy statement."""
        return self.root / "private" / region / "model" / day.isoformat()

    def synthetic(self, region: str, day: dt.date) -> Path:
        """The generated rows of one service day, before they are checked."""
        return self.root / "private" / region / "synthetic" / day.isoformat()

    def refusal(self, region: str, day: dt.date) -> Path:
        """Why, and when, one service day was refused by a public rule."""
        return self.root / "private" / region / "refused" / day.isoformat()

    def audits(self, region: str, day: dt.date) -> Path:
        """The audit of one published service day: findings and their page."""
        return self.root / "private" / region / "audits" / day.isoformat()

    def quality(self, region: str, day: dt.date) -> Path:
        """The quality report of one published service day: figures and their page. Private."""
        return self.root / "private" / region / "quality" / day.isoformat()

    def table_model(self, name: str) -> Path:
        """The trained model of a table."""
        return self.root / "private" / "tables" / name / "model"

    def table_rows(self, name: str) -> Path:
        """The synthetic rows of a table, with their card."""
        return self.root / "private" / "tables" / name / "rows"

    @property
    def private(self) -> Path:
        """What is private, of all regions."""
        return self.root / "private"

    def search(self, name: str) -> Path:
        """A search over settings: its runs and what was found. Public, as its data are."""
        return self.root / "searches" / name

    @property
    def published_elsewhere(self) -> Path:
        """The manifests of releases that other machines published; their files are not here."""
        return self.root / "private" / ".published"

    @property
    def all_releases(self) -> Path:
        """What is published, of all regions."""
        return self.root / "releases"

    def releases(self, region: str, day: dt.date) -> Path:
        """The published revisions (r1, r2, ...) of one service day."""
        return self.all_releases / region / day.isoformat()

    def published_days(self, region: str) -> list[dt.date]:
        """The service days of which a region has published revisions, in order."""
        found = (self.all_releases / region).glob("[0-9]*-[0-9]*-[0-9]*")
        return sorted(dt.date.fromisoformat(path.name) for path in found)
