"""All checks of a published release, one after the other."""

from collections.abc import Callable, Iterator, Mapping
from zipfile import BadZipFile

from tasks import OpentripsError
from tasks.archive.verification.accounting import check_accounting
from tasks.archive.verification.chain import check_chain, check_revision
from tasks.archive.verification.documents import check_documents
from tasks.archive.verification.files import check_files, check_place, check_withdrawal
from tasks.archive.verification.measured import check_measured, check_sampler
from tasks.archive.verification.report import Finding, Report
from tasks.archive.verification.rows import check_rows
from tasks.archive.verification.source import Source, named_files, opened
from tasks.files.manifest import MANIFEST, parse_manifest
from tasks.release.manifest import PublicManifest, parse_public_manifest
from tasks.release.withdrawal import WITHDRAWAL

Check = Callable[[Source, PublicManifest], Iterator[Finding]]

_OF_DATA: dict[str, Check] = {
    "files": check_files,
    "rows": check_rows,
    "counts": check_measured,
    "sampler": check_sampler,
}
_OF_ALL: dict[str, Check] = {
    "place": check_place,
    "epsilon": check_accounting,
    "chain": check_chain,
    "revision": check_revision,
}
_UNREADABLE = (OpentripsError, OSError, ValueError, KeyError, TypeError, BadZipFile)
"""What comes of files that are not what they should be."""

BEYOND = (
    "that the noise was fresh and secret, that the ledger holds the charge, and what was seen of "
    "the feeds: these are the publisher's word"
)


def verify_release(where: str) -> Report:
    """Check a release from the outside, with the published files alone; nothing of it is run.

    Args:
        where: Its folder, or its address over HTTP.

    Raises:
        ArchiveError: If no release lies there, or the server does not answer.
        FileError: If its manifest is none.
    """
    with opened(where) as source:
        return Report(where, tuple(_findings(source)))


def _findings(source: Source) -> Iterator[Finding]:
    content = (source.folder / MANIFEST).read_bytes()
    named_files(parse_manifest(content, MANIFEST), MANIFEST)
    try:
        manifest = parse_public_manifest(content, MANIFEST)
    except OpentripsError as error:
        yield Finding("manifest", "fault", str(error))
        return
    of = f"{manifest.region.id} {manifest.service_day} r{manifest.revision}"
    yield Finding("manifest", "ok", f"the manifest of {of}")
    if (source.folder / WITHDRAWAL).exists():
        yield from _run({"withdrawal": check_withdrawal}, source, manifest)
    else:
        yield from _of_data(source, manifest)
    yield from _run(_OF_ALL, source, manifest)
    yield Finding("beyond", "open", BEYOND)


def _of_data(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    found = list(_run(_OF_DATA, source, manifest))
    yield from found
    if any(finding.verdict == "fault" for finding in found):
        said = "not compared, for they speak of files and rows that are at fault"
        yield Finding("documents", "open", said)
    else:
        yield from _run({"documents": check_documents}, source, manifest)


def _run(
    checks: Mapping[str, Check], source: Source, manifest: PublicManifest
) -> Iterator[Finding]:
    for subject, check in checks.items():
        try:
            yield from check(source, manifest)
        except _UNREADABLE as error:
            yield Finding(subject, "fault", f"cannot be checked: {error}")
