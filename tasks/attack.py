"""The Prefect task `attack`: every attack on the twin of a published day, and what it found."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.artifacts import artifact_key
from tasks.files import Layout, sha256_of, write_atomically, write_manifest
from tasks.files.manifest import MANIFEST
from tasks.region import Region
from tasks.release.revisions import offered
from tasks.release.software import installed_software
from tasks.release.tables import MODELLED, PARQUET
from tasks.schema import RELEASE
from tasks.step import step

if TYPE_CHECKING:
    from tasks.audit.findings import Findings

FINDINGS = "findings.json"
PAGE = "index.html"


@step("attack-{region.id}-{day}")
def attack(region: Region, day: dt.date | None, seeds: int, quick: bool) -> dict[str, Any]:
    """Audit a published day; an audit made before is replaced.

    Only the release is read, which is public, so the ledger is neither asked nor charged.

    Args:
        region: The region.
        day: A published day; by default the newest.
        seeds: One-run audits, at least 1.
        quick: Shorten training and try little.

    Returns:
        `page`: path of the audit's page; `day`; `violations`: lines, none if all is well.

    Raises:
        AuditError: If nothing is published, or the release is too small to audit.
        FileError: If the release was altered.
    """
    layout, log = Layout.from_environment(), get_run_logger()
    day, release = _published(layout, region, day)
    log.info("Auditing %s, %s: nothing private is read, nothing is charged", region.id, day)
    found = _attack(region, day, release, seeds, quick)
    page = _store(layout.audits(region.id, day), found)
    violations = found.violations()
    for line in violations:
        log.error("Violation: %s", line)
    create_markdown_artifact(
        key=artifact_key("audit", region, day),
        markdown=_summary(found, page),
        description=f"Audit of {region.name}, {day}",
    )
    return {"page": str(page), "day": day.isoformat(), "violations": violations}


def _published(layout: Layout, region: Region, day: dt.date | None) -> tuple[dt.date, Path]:
    """The day to audit and its release, whole and unaltered."""
    from tasks.audit.errors import AuditError

    days = [day] if day else sorted(layout.published_days(region.id), reverse=True)
    for each in days:
        if (release := offered(layout.releases(region.id, each))) is not None:
            return each, release
    raise AuditError(
        f"region {region.id}: {day or 'no day'} is {'not ' if day else ''}published; "
        "release a day first"
    )


def _attack(region: Region, day: dt.date, release: Path, seeds: int, quick: bool) -> "Findings":
    from tasks.audit.campaign import attack_release
    from tasks.audit.errors import AuditError
    from tasks.audit.findings import Effort

    if seeds < 1:
        raise AuditError(f"an audit needs at least one seed, not {seeds}")
    log = get_run_logger()
    return attack_release(
        region,
        day,
        _trips(release),
        sha256_of(release / MANIFEST),
        Effort.quick(seeds) if quick else Effort(seeds),
        quick,
        lambda what: log.info("Audit: %s", what),
    )


def _trips(release: Path) -> pa.Table:
    """The published trips; where ids change, the modelled ones."""
    modelled = release / MODELLED
    return pq.read_table(
        modelled if modelled.exists() else release / PARQUET, columns=list(RELEASE.names)
    )


def _store(directory: Path, found: "Findings") -> Path:
    """Write findings, page and, last, the manifest."""
    from pydantic import TypeAdapter

    from tasks.audit.findings import Findings
    from tasks.audit.page import render_audit

    (directory / MANIFEST).unlink(missing_ok=True)
    software = installed_software()
    document = TypeAdapter(Findings).dump_python(found, mode="json")
    write_atomically(directory / FINDINGS, (json.dumps(document, indent=2) + "\n").encode())
    write_atomically(directory / PAGE, render_audit(found, software).encode())
    fields = {
        "kind": "audit",
        "region": found.region,
        "service_day": found.service_day.isoformat(),
        "release_sha256": found.release_sha256,
        "epsilon_lower": [run.epsilon_lower for run in found.one_runs],
        "epsilon_audited": found.one_runs[0].epsilon_claimed,
        "violations": found.violations(),
        "inconclusive": found.weaknesses(),
        "software": software.model_dump(mode="json"),
    }
    write_manifest(directory, fields, (FINDINGS, PAGE))
    return directory / PAGE


def _summary(found: "Findings", page: Path) -> str:
    """The audit in a few lines of Markdown."""
    private, control = found.memberships
    once = next(group for group in found.exposures if group.is_private and group.copies == 1)
    bounds = ", ".join(f"{run.epsilon_lower:.2f}" for run in found.one_runs)
    claimed = found.one_runs[0].epsilon_claimed
    verdict = [f"- **Violation:** {line}" for line in found.violations()]
    rows = [
        ("Epsilon proven in one run", f"{bounds} of {claimed:g}; {found.power.expected:.2f} due"),
        ("Exposure of trips planted once", f"{once.mean:.2f} bits; 1.44 unseen"),
        ("Members told apart, AUC", f"{private.area.value:.3f}; {control.area.value:.3f} control"),
    ]
    return "\n".join(
        [
            *(verdict or ["No attack found more than the guarantee allows."]),
            "",
            "| attack | found |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
            f"Page: `{page}`",
        ]
    )
