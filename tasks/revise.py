"""The Prefect task `revise`: another revision of a published day, from its stored model."""

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from prefect import get_run_logger

from tasks import exchange
from tasks.address import public_address
from tasks.artifacts import artifact_key
from tasks.files import FileError, Layout, read_manifest, sha256_of
from tasks.files.manifest import MANIFEST
from tasks.publish import checked_rows, model_statement, show_page, write_more
from tasks.region import Region
from tasks.region.one_line import plain
from tasks.release.bundle import publish_revision
from tasks.release.errors import ReleaseError
from tasks.release.listing import PAGE
from tasks.release.manifest import (
    Checks,
    FileFacts,
    PublicManifest,
    Revises,
    parse_public_manifest,
    revised_manifest,
    snapping_of,
)
from tasks.release.revisions import published, withdrawal_of
from tasks.release.software import installed_software
from tasks.step import step


@step(
    "revise-{region.id}-{day}",
    reads=[exchange.model, exchange.release],
    writes=exchange.release,
    is_free_to_repeat=False,
)
def revise(
    region: Region,
    day: dt.date,
    reason: str,
    resample: bool = False,
    now: dt.datetime | None = None,
) -> dict[str, Any]:
    """Publish the next revision of a day; nothing private is read, nothing is charged.

    Args:
        region: The region.
        day: A published day; its model is stored.
        reason: Why, for people; it is published.
        resample: Whether the rows are those that were generated and checked last, instead of those
            of the revision before.
        now: The present, UTC. Default: now.

    Returns:
        `manifest`: the public manifest; `page`: path of index.html.

    Raises:
        FileError: If the revision before or the model was altered.
        ReleaseError: If the day is not published; if the stored model is another; if the rows of
            the revision before are withdrawn and no others are named.
    """
    layout, address = Layout.from_environment(), public_address()
    releases = layout.releases(region.id, day)
    reason, at = plain(reason), now or dt.datetime.now(dt.UTC)
    before = _newest(releases, region, day)
    if not reason:
        raise ReleaseError("a revision needs a reason; it is published, so write it for readers")
    model = model_statement(layout, region, day)
    if resample:
        rows = checked_rows(layout, region, day)
        tables, beside = rows.tables, rows.directory
        checks = Checks(
            expectations=rows.checks["expectations"], warnings=tuple(rows.checks["warnings"])
        )
        snapping = snapping_of(region, rows.generated)
    else:
        if withdrawal_of(before) is not None:
            raise ReleaseError(
                f"{before}: its rows are withdrawn; draw others from the model (--resample)"
            )
        manifest = _manifest_of(before)
        tables = {name: pq.read_table(before / f"{name}.parquet") for name in manifest.tables}
        beside = before
        checks, snapping = manifest.checks, manifest.snapping

    def manifest_of(former: Path, files: dict[str, FileFacts]) -> PublicManifest:
        return revised_manifest(
            _manifest_of(former),
            Revises(
                revision=_manifest_of(former).revision,
                manifest_sha256=sha256_of(former / MANIFEST),
                reason=reason,
                at=at,
            ),
            region=region,
            rows={name: table.num_rows for name, table in tables.items()},
            model=model,
            checks=checks,
            software=installed_software(),
            files=files,
            snapping=snapping,
        )

    stored = layout.model(region.id, day)
    release = publish_revision(
        releases, tables, manifest_of, partial(write_more, model, stored, beside)
    )
    get_run_logger().info("Published %s, because: %s", release, reason)
    page = release / PAGE
    show_page(artifact_key("release", region, day), layout, page, address)
    return {"manifest": read_manifest(release), "page": str(page)}


def _newest(releases: Path, region: Region, day: dt.date) -> Path:
    if (newest := published(releases)) is None:
        raise FileError(f"{region.id} {day} is not published; opentrips release does that")
    return newest


def _manifest_of(release: Path) -> PublicManifest:
    path = release / MANIFEST
    return parse_public_manifest(path.read_bytes(), str(path))
