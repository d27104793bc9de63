"""The Prefect task `assess`: the quality report of a published day, made of its private trips.

What it finds stays on private ground, and neither logs nor artifacts hold a figure of it (rule 9).
"""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import (
    Layout,
    read_manifest,
    sha256_of,
    verify_files,
    write_atomically,
    write_manifest,
)
from tasks.files.manifest import MANIFEST
from tasks.region import Region
from tasks.release.revisions import offered
from tasks.release.software import installed_software
from tasks.release.tables import PARQUET
from tasks.schema import RELEASE
from tasks.step import step

if TYPE_CHECKING:
    from tasks.quality.trips import TripReport

REPORT = "report.json"
PAGE = "index.html"
SEED = 0
"""Of the halves of the day, so that a report that is made again is the same."""


@step("assess-{region.id}-{day}")
def assess(region: Region, day: dt.date | None) -> dict[str, Any]:
    """Compare a published day with its real trips; a report made before is replaced.

    The day's trips are cut in two at random: one half stands for the training rows, the other for
    rows held out, though the model was made of both.

    Args:
        region: The region.
        day: A published day; by default the newest.

    Returns:
        `page`: path of the report's page; `day`; `score`: the score and its references, in words.

    Raises:
        QualityError: If the region publishes no trips, the day is not published, its trips are no
            longer kept, or they are too few.
        FileError: If a file was altered.
    """
    from tasks.quality.splits import halves
    from tasks.quality.trips import assess_trips

    layout = Layout.from_environment()
    day = _asked_for(region, day, layout)
    exchange.fetch([exchange.derived, exchange.release], region, day)
    release, source = _release(region, day, layout), _kept_trips(region, day, layout)
    get_run_logger().info("Assessing %s, %s, for staff only", region.id, day)
    training, held_out = halves(_trips(source), SEED)
    synthetic = pq.read_table(release / PARQUET, columns=list(RELEASE.names))
    found = assess_trips(training, synthetic, held_out, region.service_area)
    page = _store(layout.quality(region.id, day), region, day, release, source, found)
    create_markdown_artifact(
        key=artifact_key("quality", region, day),
        markdown=f"Internal, not publishable: `{page}`",
        description=f"Quality report of {region.name}, {day}",
    )
    return {"page": str(page), "day": day.isoformat(), "score": _score(found)}


def _asked_for(region: Region, day: dt.date | None, layout: Layout) -> dt.date:
    """The day, by default the newest that is published."""
    from tasks.quality.errors import QualityError

    if region.yields != "trips":
        raise QualityError(
            f"region {region.id} publishes no trips that were derived as such; "
            "a quality report compares trips"
        )
    if day is not None:
        return day
    for each in reversed(layout.published_days(region.id)):
        if offered(layout.releases(region.id, each)) is not None:
            return each
    raise QualityError(f"region {region.id}: no day is published; release a day first")


def _release(region: Region, day: dt.date, layout: Layout) -> Path:
    """The newest revision of the day, whole and unaltered."""
    from tasks.quality.errors import QualityError

    release = offered(layout.releases(region.id, day))
    if release is None:
        raise QualityError(f"region {region.id}: {day} is not published; release the day first")
    return release


def _kept_trips(region: Region, day: dt.date, layout: Layout) -> Path:
    """The file of the day's trips, unaltered."""
    from tasks.quality.errors import QualityError

    path = layout.derived(region.id, day, "trips")
    manifest = read_manifest(path.parent)
    if manifest is None:
        raise QualityError(
            f"region {region.id}: the trips of {day} are no longer kept "
            f"(retention_days is {region.retention_days}); assess a day before they are deleted"
        )
    verify_files(path.parent, manifest)
    return path


def _trips(path: Path) -> pa.Table:
    """The rows that are trips, with the columns of a release; private."""
    table = pq.read_table(path, filters=pc.field("is_trip"))
    return table.select(list(RELEASE.names))


def _store(
    directory: Path, region: Region, day: dt.date, release: Path, source: Path, found: "TripReport"
) -> Path:
    """Write figures, page and, last, the manifest."""
    from tasks.quality.page import About, render_quality

    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)
    software = installed_software()
    about = About(
        name=region.name,
        part=f"{day:%A} {day.day} {day:%B %Y}",
        synthetic=f"the synthetic trips of revision {release.name}",
        held_out=(
            "One half of the day's real trips, drawn at random, stands for the training rows, the "
            "other half for rows held out. The model was made of both."
        ),
    )
    page = render_quality(found.report, about, software, found.maps)
    document = {"publishable": False, **found.report.document()}
    write_atomically(directory / REPORT, (json.dumps(document, indent=2) + "\n").encode())
    write_atomically(directory / PAGE, page.encode())
    fields = {
        "kind": "quality",
        "publishable": False,
        "region": region.id,
        "service_day": day.isoformat(),
        "release_sha256": sha256_of(release / MANIFEST),
        "trips_manifest": sha256_of(source.parent / MANIFEST),
        "software": software.model_dump(mode="json"),
    }
    write_manifest(directory, fields, (REPORT, PAGE))
    return directory / PAGE


def _score(found: "TripReport") -> str:
    scores = found.report.scores
    return (
        f"score {scores.synthetic.overall:.1f} of 100 ({scores.synthetic.grade}), "
        f"held-out rows {scores.held_out.overall:.1f}, bootstrap {scores.bootstrap.overall:.1f}"
    )
