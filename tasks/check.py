"""Check: expectations on the capture, on the private tables and on the release.

On private tables, rows that break an expectation are set aside one by one, before any budget is
charged, and the day goes on whatever was found. Only the capture (public outcomes of polls) and
the release (synthetic rows) can stop a publication.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from expectations.errors import CheckError
from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import (
    FileError,
    Layout,
    read_manifest,
    sha256_of,
    verify_files,
    write_atomically,
    write_manifest,
)
from tasks.mobility.ends import count_ends
from tasks.mobility.trips import count_moves
from tasks.refusal import note_refusal
from tasks.region import Region
from tasks.release.checks import CHECKS, CHECKS_PAGE, Check, Checks
from tasks.release.checks_page import render_checks
from tasks.release.past import PastDay, comparable_days, past_days
from tasks.release.revisions import revisions
from tasks.release.software import installed_software
from tasks.step import step

if TYPE_CHECKING:
    from expectations.quarantine import Findings
    from expectations.suite import Outcome, Suite

CHECKED = "checked"
"""Key of the counts in the manifest of a private directory whose rows were checked."""
REPORT = "check.json"
"""Beside the synthetic rows: these very rows met the critical expectations."""
MOST_ROWS_NAMED = 5
"""Of the rows that break an expectation."""


@step("check-capture-{region.id}-{day}", reads=[exchange.sightings])
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
    feeds = [feed.id for feed in region.feeds]
    return _judge("capture", region, day, check(manifest, region), row_names=feeds)


@step("check-sightings-{region.id}-{day}", reads=[exchange.sightings], writes=exchange.sightings)
def check_sightings(region: Region, day: dt.date) -> dict[str, Any]:
    """Set aside the sightings of a sealed day that break a rule of their table.

    Returns:
        For each feed's file: `rows`, `quarantined` and `reasons`, all of them counts.

    Raises:
        CheckError: If a file's columns are not those of the schema.
        FileError: If the day is not sealed, or a file was altered.
    """
    from expectations import sightings

    def recount(directory: Path, manifest: dict[str, Any]) -> None:
        for feed in region.feeds:
            manifest["feeds"][feed.id]["rows"] = _rows(directory / f"{feed.id}.parquet")

    directory = Layout.from_environment().sightings(region.id, day)
    suites = sightings.schema_suite(), sightings.row_suite()
    names = [f"{feed.id}.parquet" for feed in region.feeds]
    found = _set_aside(directory, "seal the day first", names, suites, recount)
    return _tell_staff("sightings", region, day, found)


@step("check-trips-{region.id}-{day}", reads=[exchange.derived], writes=exchange.derived)
def check_trips(region: Region, day: dt.date) -> dict[str, Any]:
    """Set aside the moves of a day that break a rule of their table, and count the trips anew.

    Returns:
        For the table's file: `rows`, `quarantined` and `reasons`, all of them counts.

    Raises:
        CheckError: If the file's columns are not those of the schema.
        FileError: If the trips are not derived, or the file was altered.
    """
    from expectations import trips

    def recount(directory: Path, manifest: dict[str, Any]) -> None:
        manifest |= count_moves(pq.read_table(directory / "trips.parquet"))

    directory = Layout.from_environment().trips(region.id, day)
    suites = trips.schema_suite(), trips.row_suite(region)
    found = _set_aside(directory, "derive the trips first", ["trips.parquet"], suites, recount)
    return _tell_staff("trips", region, day, found)


@step("check-ends-{region.id}-{day}", reads=[exchange.derived], writes=exchange.derived)
def check_ends(region: Region, day: dt.date) -> dict[str, Any]:
    """Set aside the unlinked starts and ends that break a rule of their table, and count anew.

    Returns:
        For the table's file: `rows`, `quarantined` and `reasons`, all of them counts.

    Raises:
        CheckError: If the file's columns are not those of the schema.
        FileError: If the ends are not derived, or the file was altered.
    """
    from expectations import ends

    def recount(directory: Path, manifest: dict[str, Any]) -> None:
        manifest |= count_ends(pq.read_table(directory / "ends.parquet"))

    directory = Layout.from_environment().ends(region.id, day)
    suites = ends.schema_suite(), ends.row_suite(region)
    found = _set_aside(directory, "derive the ends first", ["ends.parquet"], suites, recount)
    return _tell_staff("ends", region, day, found)


@step("check-release-{region.id}-{day}")
def check_release(region: Region, day: dt.date) -> dict[str, Any]:
    """Stop synthetic rows that are not what a release must be.

    Looks at the generated rows, at public numbers (their number is n under `zero_out`, else the
    noisy count; of starts and of ends likewise), and at the rows of earlier releases, from which a
    difference only warns. Beside the rows it writes what it found, `checks.json` and the page
    `checks.html`, and then `check.json`, which is what lets them be published.

    Returns:
        `expectations`: how many were checked; `warnings`: lines on those not met.

    Raises:
        CheckError: If a critical expectation is not met; its text names the rows and the page.
        FileError: If the rows are not generated, or were altered.
    """
    from expectations import release, release_ends

    layout = Layout.from_environment()
    directory = layout.synthetic(region.id, day)
    manifest = _manifest(directory, "generate the rows first")
    verify_files(directory, manifest)
    tables = [directory / f"{name}.parquet" for name in manifest["rows"]]
    frames = {path.stem: pq.read_table(path).to_pandas() for path in tables}
    due = _rows_due(region, day, layout)
    past = _past_days(layout, region, day, list(frames))
    earlier = [{name: rows.to_pandas() for name, rows in each.tables.items()} for each in past]
    if region.yields == "ends":
        starts, ends = due
        outcomes = release_ends.check(frames, region, starts, ends, earlier)
    else:
        (n,) = due
        before = [rows["trips"] for rows in earlier]
        outcomes = release.check(frames["trips"], region, n, before)
    (directory / REPORT).unlink(missing_ok=True)
    page = _write_checks(directory, region, day, manifest["rows"], past, outcomes)
    verdict = _judge("release", region, day, outcomes, page=page)
    proof = {**verdict, "sha256": {path.name: sha256_of(path) for path in tables}}
    write_atomically(directory / REPORT, (json.dumps(proof, indent=2) + "\n").encode())
    return verdict


def _past_days(layout: Layout, region: Region, day: dt.date, names: Sequence[str]) -> list[PastDay]:
    """The earlier releases that a day is compared with."""
    days = comparable_days(layout.published_days(region.id), day)
    log = get_run_logger()
    past = past_days(days, lambda each: layout.releases(region.id, each), names, log.warning)
    if not past:
        log.info("There is no earlier release to compare the rows with")
    return past


def _write_checks(
    directory: Path,
    region: Region,
    day: dt.date,
    rows: Mapping[str, int],
    past: Sequence[PastDay],
    outcomes: Sequence["Outcome"],
) -> Path:
    """Write what was expected and found, for machines and as a page; returns the page."""
    found = Checks(
        region=region.id,
        name=region.name,
        service_day=day,
        rows=rows,
        compared_with=tuple(each.day for each in past),
        checks=tuple(map(_check, outcomes)),
    )
    page = directory / CHECKS_PAGE
    write_atomically(directory / CHECKS, found.content())
    write_atomically(page, render_checks(found, installed_software()).encode())
    return page


def _check(outcome: "Outcome") -> Check:
    """An outcome as it is published; of rows that break it, the first few."""
    failure = outcome.failure
    rows = failure.rows[:MOST_ROWS_NAMED] if failure else ()
    return Check(
        table=outcome.table,
        expected=outcome.expected,
        found=outcome.found,
        severity=outcome.severity,
        is_met=failure is None,
        broken_rows=rows,
        values=failure.values if failure and rows else (),
    )


def _manifest(directory: Path, remedy: str) -> dict[str, Any]:
    if (manifest := read_manifest(directory)) is None:
        raise FileError(f"{directory}: nothing finished there; {remedy}")
    return manifest


def _set_aside(
    directory: Path,
    remedy: str,
    names: Sequence[str],
    suites: tuple["Suite", "Suite"],
    recount: Callable[[Path, dict[str, Any]], None],
) -> dict[str, dict[str, Any]]:
    """Check the rows of private files, unless they are checked, and set the broken ones aside.

    Args:
        directory: Where the files lie.
        remedy: What to do where nothing is finished there.
        names: The files.
        suites: Expectations on the columns, and on single rows.
        recount: Brings the counts in the manifest up to date with the rows that stay.

    Returns:
        The counts of each file.
    """
    from expectations.quarantine import quarantine

    manifest = _manifest(directory, remedy)
    if CHECKED not in manifest:
        verify_files(directory, manifest)
        found = {name: quarantine(directory, name, *suites) for name in names}
        recount(directory, manifest)
        manifest = _record(directory, manifest, found)
    return dict(manifest[CHECKED])


def _rows_due(region: Region, day: dt.date, layout: Layout) -> tuple[int, ...]:
    """How many rows of trips, or of starts and ends, a release must have: public numbers.

    Of a day that is published they are those of its release; what it was made from may be gone.
    """
    names = ("trips",) if region.yields == "trips" else ("starts", "ends")
    if before := revisions(layout.releases(region.id, day)):
        tables = _manifest(before[-1], "release the day first")["tables"]
        return tuple(int(tables[name]) for name in names)
    if region.guarantee.adjacency == "zero_out":
        derived = layout.derived(region.id, day, region.yields).parent
        manifest = _manifest(derived, f"derive the {region.yields} first")
        return tuple(int(manifest[name]) for name in names)
    rows = _manifest(layout.model(region.id, day), "train the day first")["rows"]
    return tuple(map(int, rows)) if isinstance(rows, list) else (int(rows),)


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
    outcomes: Sequence["Outcome"],
    *,
    row_names: Sequence[str] = (),
    page: Path | None = None,
) -> dict[str, Any]:
    """Report on public ground: warn of what is not met, stop if it is critical."""
    not_met = [outcome for outcome in outcomes if outcome.failure is not None]
    rows = [
        {"expected": each.expected, "found": each.found, "severity": each.severity}
        for each in not_met
    ]
    met = len(outcomes) - len(not_met)
    rows.append({"expected": f"{met} others", "found": "as expected", "severity": ""})
    _create_artifact(what, region, day, rows)
    lines = {
        severity: [each.line(row_names) for each in not_met if each.severity == severity]
        for severity in ("critical", "warning")
    }
    if lines["critical"]:
        reason = (
            f"{region.id} {day} is not published, its {what} fails: {'; '.join(lines['critical'])}"
        )
        note_refusal(region, day, reason)
        raise CheckError(reason if page is None else f"{reason}; all of it is told in {page}")
    log = get_run_logger()
    for line in lines["warning"]:
        log.warning("Check of the %s: %s", what, line)
    log.info("Checked the %s: %d expectations, no critical failure", what, len(outcomes))
    return {"expectations": len(outcomes), "warnings": lines["warning"]}


def _tell_staff(
    what: str, region: Region, day: dt.date, found: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Report on private ground: counts, never a row, nor how many there are if that is private."""
    hides = what in ("trips", "ends") and region.guarantee.adjacency == "add_remove"
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
        key=artifact_key(f"check-{what}", region, day),
        table=rows,
        description=f"Check of the {what}, {region.name}, {day}",
    )
