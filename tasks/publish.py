"""Publish: from checked synthetic rows to the immutable public directory of a day."""

import datetime as dt
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact

from tasks import exchange
from tasks.address import public_address
from tasks.artifacts import artifact_key
from tasks.check import REPORT
from tasks.files import FileError, Layout, read_manifest, sha256_of, verify_files
from tasks.files.manifest import MANIFEST
from tasks.region import Region
from tasks.region.ways import WAYS
from tasks.release.bundle import INTERVALS, publish_first
from tasks.release.checks import CHECKS, CHECKS_PAGE
from tasks.release.errors import ReleaseError
from tasks.release.listing import PAGE
from tasks.release.manifest import public_manifest
from tasks.release.revisions import published
from tasks.release.software import installed_software
from tasks.step import step


@step(
    "publish-{region.id}-{day}",
    reads=[exchange.sightings, exchange.model, exchange.release],
    writes=exchange.release,
)
def publish(region: Region, day: dt.date) -> dict[str, Any]:
    """Publish revision r1 of a day; a day that is published stays as it is.

    Returns:
        `manifest`: the public manifest; `page`: path of index.html.

    Raises:
        FileError: If an earlier step has not finished, or the published release was altered.
        ReleaseError: If the rows were not checked, the manifests contradict each other, or
            OPENTRIPS_PUBLIC_URL is no address.
    """
    layout, log, address = Layout.from_environment(), get_run_logger(), public_address()
    releases = layout.releases(region.id, day)
    if (release := published(releases)) is not None:
        log.info("%s is published already", day)
    else:
        release = _publish(layout, region, day, releases)
        log.info("Published %s", release)
    page = release / PAGE
    show_page(artifact_key("release", region, day), layout, page, address)
    return {"manifest": _finished(release), "page": str(page)}


def show_page(key: str, layout: Layout, page: Path, address: str | None) -> None:
    """Make an artifact of a release's page: a link, or its path where nobody serves it."""
    what = "Page of the release"
    if address is None:  # a browser follows no link from a server to a file
        create_markdown_artifact(key=key, markdown=f"`{page}`", description=what)
        return
    path = page.relative_to(layout.all_releases).as_posix()
    link = f"{address}/{path}"
    create_link_artifact(key=key, link=link, link_text=link, description=what)


@dataclass(frozen=True)
class CheckedRows:
    """The synthetic rows of a day that may be published.

    Attributes:
        tables: The rows of each table.
        generated: The manifest of their directory.
        checks: What `check_release` reported.
        directory: Where they lie.
    """

    tables: dict[str, pa.Table]
    generated: dict[str, Any]
    checks: dict[str, Any]
    directory: Path

    @property
    def numbers(self) -> dict[str, int]:
        """The number of rows of each table."""
        return {name: table.num_rows for name, table in self.tables.items()}


def checked_rows(layout: Layout, region: Region, day: dt.date) -> CheckedRows:
    """The generated rows of a day, if they are those that were checked.

    Raises:
        FileError: If an earlier step has not finished, or a file was altered.
        ReleaseError: If the rows were not checked, or another model made them.
    """
    synthetic = layout.synthetic(region.id, day)
    generated = _finished(synthetic)
    files = {name: synthetic / f"{name}.parquet" for name in generated["rows"]}
    checks = _read_json(synthetic / REPORT, "check the release first")
    for path in files.values():
        if checks["sha256"].get(path.name) != sha256_of(path):
            raise ReleaseError(
                f"{path}: these are not the rows that were checked; check them again"
            )
    stored = layout.model(region.id, day)
    verify_files(stored, _finished(stored))
    if generated["model_manifest"] != sha256_of(stored / MANIFEST):
        raise ReleaseError(f"{synthetic}: another model made these rows; generate and check again")
    verify_files(synthetic, generated)
    tables = {name: pq.read_table(path) for name, path in files.items()}
    return CheckedRows(tables, generated, checks, synthetic)


def model_statement(layout: Layout, region: Region, day: dt.date) -> dict[str, Any]:
    """What the stored model of a day says of itself.

    Raises:
        FileError: If there is none, or it was altered.
        ReleaseError: If it cannot be read.
    """
    stored = layout.model(region.id, day)
    verify_files(stored, _finished(stored))
    return _read_json(stored / "model.json", "train again")


def _publish(layout: Layout, region: Region, day: dt.date, releases: Path) -> Path:
    rows = checked_rows(layout, region, day)
    sealed = _finished(layout.sightings(region.id, day))
    model, software = model_statement(layout, region, day), installed_software()
    return publish_first(
        releases,
        rows.tables,
        lambda files: public_manifest(
            region,
            day,
            rows=rows.numbers,
            sealed=sealed,
            model=model,
            checks=rows.checks,
            software=software,
            files=files,
            generated=rows.generated,
        ),
        partial(write_more, model, layout.model(region.id, day), rows.directory),
    )


def write_more(model: dict[str, Any], stored: Path, beside: Path, directory: Path) -> Sequence[str]:
    """What is published beside the rows: measurements and a sampler, and what lies beside them.

    Args:
        model: Its statement; a measured synthesizer publishes more.
        stored: Directory of the model.
        beside: Directory of the rows; their intervals, the roads and docks that ends were moved
            to, and what was found when they were checked lie beside them.
        directory: Where the files go.

    Returns:
        Their names.
    """
    names: list[str] = []
    name = model["synthesizer"]["name"]
    if name != "trip_net":
        from tasks.release.measured import write_measured

        names += write_measured(stored, directory, is_of_ends=name == "trip_ends")
    made = [file for file in (INTERVALS, WAYS) if file in _finished(beside)["files"]]
    made += [file for file in (CHECKS, CHECKS_PAGE) if (beside / file).exists()]
    for file in made:
        shutil.copyfile(beside / file, directory / file)
    return [*names, *made]


def _finished(directory: Path) -> dict[str, Any]:
    if (manifest := read_manifest(directory)) is None:
        raise FileError(f"{directory}: nothing finished there; run the steps before first")
    return manifest


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path}: cannot be read; {remedy}") from error
    return document
