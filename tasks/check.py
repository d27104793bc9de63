"""Check: expectations on the capture, on the two private tables and on the release.

On private tables, rows that break an expectation are set aside one by one, before any budget is
charged, and the day goes on whatever was found. Only the capture (public outcomes of polls) and
the release (synthetic rows) can stop a publication.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from expectations.errors import CheckError
from tasks.files import (
    FileError,
    Layout,
    read_manifest,
    sha256_of,
    verify_files,
    write_atomically,
    write_manifest,
)
from tasks.mobility.trips import count_moves
from tasks.region import Region
from tasks.step import step

if TYPE_CHECKING:
    from expectations.quarantine import Findings
    from expectations.suite import Failure

CHECKED = "checked"
"""Key of the counts in the manifest of a private directory whose rows were checked."""
REPORT = "check.json"
"""Beside the synthetic rows: these very rows met the critical expectations."""


@step("check-capture-{region.id}-{day}")
def check_capture(region: Region, day: dt.date) -> dict[str, Any]:
    """Stop a day whose feeds were not seen for long enough.

    Returns:
        `expectations`: how many were checked; `warnings`: lines on those not met.

    Raises:
        CheckError: If a feed's coverage is under the region's `capture.min_coverage`.
        FileError: If the day is not sealed.
    """
    from expectations.capture import check

    directory = Layout.from_environment().sightings(region.id, day)
    manifest = _manifest(directory, "seal the day first")
    expectations, failures = check(manifest, region)
    feeds = [feed.id for feed in region.feeds]
    return _judge("capture", region, day, expectations, failures, feeds)


@step("check-sightings-{region.id}-{day}")
def check_sightings(region: Region, day: dt.date) -> dict[str, Any]:
    """Set aside the sightings of a sealed day that break a rule of their table.

    Returns:
        For each feed's file: `rows`, `quarantined` and `reasons`, all of them counts.

    Raises:
        CheckError: If a file's columns are not those of the schema.
        FileError: If the day is not sealed, or a file was altered.
    """
    directory = Layout.from_environment().sightings(region.id, day)
    manifest = _manifest(directory, "seal the day first")
    if CHECKED not in manifest:
        from expectations import sightings
        from expectations.quarantine import quarantine

        verify_files(directory, manifest)
        suites = sightings.schema_suite(), sightings.row_suite()
        found = {
            name: quarantine(directory, name, *suites)
            for name in (f"{feed.id}.parquet" for feed in region.feeds)
        }
        for feed in region.feeds:
            manifest["feeds"][feed.id]["rows"] = _rows(directory / f"{feed.id}.parquet")
        manifest = _record(directory, manifest, found)
    return _tell_staff("sightings", region, day, manifest[CHECKED])


@step("check-trips-{region.id}-{day}")
def check_trips(region: Region, day: dt.date) -> dict[str, Any]:
    """Set aside the moves of a day that break a rule of their table, and count the trips anew.

    Returns:
        For the table's file: `rows`, `quarantined` and `reasons`, all of them counts.

    Raises:
        CheckError: If the file's columns are not those of the schema.
        FileError: If the trips are not derived, or the file was altered.
    """
    directory = Layout.from_environment().trips(region.id, day)
    manifest = _manifest(directory, "derive the trips first")
    if CHECKED not in manifest:
        from expectations import trips
        from expectations.quarantine import quarantine

        verify_files(directory, manifest)
        name = "trips.parquet"
        found = quarantine(directory, name, trips.schema_suite(), trips.row_suite(region))
        manifest |= count_moves(pq.read_table(directory / name))
        manifest = _record(directory, manifest, {name: found})
    return _tell_staff("trips", region, day, manifest[CHECKED])


@step("check-release-{region.id}-{day}")
def check_release(region: Region, day: dt.date) -> dict[str, Any]:
    """Stop synthetic rows that are not what a release must be.

    Looks at the generated rows and at public numbers: their number is n under `zero_out`, else
    the noisy count. What it writes, `check.json` beside the rows, is what lets them be published.

    Returns:
        `expectations`: how many were checked; `warnings`: lines on those not met.

    Raises:
        CheckError: If a critical expectation is not met; its text names the rows.
        FileError: If the rows are not generated, or were altered.
    """
    from expectations.release import check

    layout = Layout.from_environment()
    directory = layout.synthetic(region.id, day)
    verify_files(directory, _manifest(directory, "generate the rows first"))
    rows = directory / "trips.parquet"
    due = _rows_due(region, day, layout)
    expectations, failures = check(pq.read_table(rows).to_pandas(), region, due)
    verdict = _judge("release", region, day, expectations, failures)
    proof = {**verdict, "sha256": sha256_of(rows)}
    write_atomically(directory / REPORT, (json.dumps(proof, indent=2) + "\n").encode())
    return verdict


def _manifest(directory: Path, remedy: str) -> dict[str, Any]:
    if (manifest := read_manifest(directory)) is None:
        raise FileError(f"{directory}: nothing finished there; {remedy}")
    return manifest


def _rows_due(region: Region, day: dt.date, layout: Layout) -> int:
    """How many rows a release must have, a public number."""
    if region.guarantee.adjacency == "zero_out":
        return int(_manifest(layout.trips(region.id, day), "derive the trips first")["trips"])
    return int(_manifest(layout.model(region.id, day), "train the day first")["rows"])


def _record(
    directory: Path, manifest: Mapping[str, Any], found: Mapping[str, "Findings"]
) -> dict[str, Any]:
    """Write the manifest of checked files: those it named before, and the rows set aside."""
    from expectations.quarantine import quarantine_name

    names = {*manifest["files"], *found}
    names |= {quarantine_name(name) for name in found if found[name].quarantined}
    counts = {
        name: {
            "rows": findings.rows,
            "quarantined": findings.quarantined,
            "reasons": findings.reasons,
        }
        for name, findings in found.items()
    }
    fields = {key: value for key, value in manifest.items() if key != "files"}
    write_manifest(directory, {**fields, CHECKED: counts}, names)
    return _manifest(directory, "run the check again")


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _judge(
    what: str,
    region: Region,
    day: dt.date,
    expectations: int,
    failures: list["Failure"],
    row_names: Sequence[str] = (),
) -> dict[str, Any]:
    """Report on public ground: warn of what is not met, stop if it is critical."""
    rows: list[dict[str, Any]] = [
        {"expectation": failure.reason, "severity": failure.severity, "rows": failure.count}
        for failure in failures
    ]
    rows.append({"expectation": f"{expectations - len(failures)} met", "severity": "", "rows": 0})
    _create_artifact(what, region, day, rows)
    lines = {
        severity: [f.line(row_names) for f in failures if f.severity == severity]
        for severity in ("critical", "warning")
    }
    if lines["critical"]:
        raise CheckError(
            f"{region.id} {day} is not published, its {what} fails: {'; '.join(lines['critical'])}"
        )
    log = get_run_logger()
    for line in lines["warning"]:
        log.warning("Check of the %s: %s", what, line)
    log.info("Checked the %s: %d expectations, no critical failure", what, expectations)
    return {"expectations": expectations, "warnings": lines["warning"]}


def _tell_staff(
    what: str, region: Region, day: dt.date, found: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Report on private ground: counts, never a row, nor how many moves if that is private."""
    hides = what == "trips" and region.guarantee.adjacency == "add_remove"
    rows = [
        {
            "file": name,
            "rows": "private" if hides else counts["rows"],
            "set aside": set_aside,
            "for": reason,
        }
        for name, counts in found.items()
        for reason, set_aside in (counts["reasons"] or {"nothing": 0}).items()
    ]
    _create_artifact(what, region, day, rows)
    looked_at = sum(counts["rows"] for counts in found.values())
    set_aside = sum(counts["quarantined"] for counts in found.values())
    checked = f"the {what}" if hides else f"{looked_at:,} rows of {what}"
    get_run_logger().info("Checked %s, set %s aside", checked, f"{set_aside:,}")
    return found


def _create_artifact(what: str, region: Region, day: dt.date, rows: list[dict[str, Any]]) -> None:
    create_table_artifact(
        key=f"check-{what}-{region.id}-{day}".replace("_", "-"),
        table=rows,
        description=f"Check of the {what}, {region.name}, {day}",
    )
