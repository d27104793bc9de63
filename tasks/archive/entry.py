"""What the catalogue says of one revision: facts of its manifest, and whether it still stands."""

import datetime as dt
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from tasks.release.manifest import PublicManifest
from tasks.release.withdrawal import Withdrawal


class Withdrawn(BaseModel):
    """When and why a revision was withdrawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: dt.datetime
    reason: str


class Entry(BaseModel):
    """A revision of a published day.

    Attributes:
        region: Id of the region.
        name: Its name for people.
        service_day: The day.
        revision: Its number.
        path: Its folder in the archive.
        manifest_sha256: Of its manifest.
        day_end: When the service day was over, UTC.
        tables: Rows of each table.
        unit: What the guarantee protects.
        adjacency: Which days are neighbours.
        epsilon: Of the guarantee.
        delta: Of the guarantee.
        coverage: Share of due polls that were answered, 0 to 1.
        licence: SPDX identifier.
        link: Hash of its link in the chain of days; None where there is no chain.
        parent: Hash of the link before it.
        revised_at: When it took the place of the revision before; None for the first.
        reason: Why it did.
        withdrawn: When and why it is no longer offered; None if it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    name: str
    service_day: dt.date
    revision: int = Field(ge=1)
    path: str
    manifest_sha256: str
    day_end: dt.datetime
    tables: dict[str, int]
    unit: str
    adjacency: str
    epsilon: float
    delta: float
    coverage: float
    licence: str
    link: str | None
    parent: str | None
    revised_at: dt.datetime | None
    reason: str | None
    withdrawn: Withdrawn | None = None

    @classmethod
    def of(cls, path: str, manifest: PublicManifest, manifest_sha256: str) -> Self:
        """The entry of a revision that is not withdrawn.

        Args:
            path: Its folder in the archive.
            manifest: Its manifest.
            manifest_sha256: Of the manifest's bytes.
        """
        guarantee, history, revises = manifest.guarantee, manifest.history, manifest.revises
        return cls(
            region=manifest.region.id,
            name=manifest.region.name,
            service_day=manifest.service_day,
            revision=manifest.revision,
            path=path,
            manifest_sha256=manifest_sha256,
            day_end=manifest.capture.end,
            tables=manifest.tables,
            unit=guarantee.unit,
            adjacency=guarantee.adjacency,
            epsilon=guarantee.epsilon,
            delta=guarantee.delta,
            coverage=manifest.capture.coverage,
            licence=manifest.licence,
            link=history.link if history else None,
            parent=history.parent if history else None,
            revised_at=revises.at if revises else None,
            reason=revises.reason if revises else None,
        )

    def without_data(self, withdrawal: Withdrawal) -> Self:
        """The entry after a withdrawal."""
        withdrawn = Withdrawn(at=withdrawal.at, reason=withdrawal.reason)
        return self.model_copy(update={"withdrawn": withdrawn})

    @property
    def page(self) -> str:
        """Path of its page."""
        return f"{self.path}/index.html"

    @property
    def updated_at(self) -> dt.datetime:
        """The newest moment that is known of it: a first revision says when its day was over."""
        if self.withdrawn is not None:
            return self.withdrawn.at
        return self.revised_at or self.day_end

    @property
    def updated(self) -> str:
        """The same as text (RFC 3339), to the second."""
        return self.updated_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
