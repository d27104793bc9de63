"""Are the files those that the manifest names, and does the release lie where it belongs?"""

import hashlib
import json
from collections.abc import Iterator

from tasks.archive.catalogue import CATALOGUE
from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.archive.withdrawing import KEPT
from tasks.files import sha256_of
from tasks.files.manifest import MANIFEST
from tasks.release.formats.sums import SUMS
from tasks.release.manifest import PublicManifest
from tasks.release.withdrawal import WITHDRAWAL, Withdrawal, is_cut, says_why, without_notice


def check_files(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Lengths and hashes, files missing and files too many, and the list of sums."""
    faults = []
    for name, facts in manifest.files.items():
        path = source.folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != facts.bytes:
            faults.append(f"{name} has {path.stat().st_size:,} bytes instead of {facts.bytes:,}")
        elif sha256_of(path) != facts.sha256:
            faults.append(f"{name} differs from its SHA-256")
    fine = f"{len(manifest.files)} files have the lengths and hashes that the manifest names"
    yield from judged("files", faults, fine)
    yield from _extra(source, {*manifest.files, MANIFEST, SUMS})
    yield from _sums(source)


def check_withdrawal(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Of a withdrawn release: whether the note is of it, what is left, and what was there."""
    path = source.folder / WITHDRAWAL
    note = Withdrawal.parse(path.read_bytes(), WITHDRAWAL)
    yield Finding("withdrawn", "open", f"since {note.at:%Y-%m-%d}: {note.said()}")
    of = (note.region, note.service_day, note.revision, note.manifest_sha256)
    due = (manifest.region.id, manifest.service_day, manifest.revision)
    fault = f"{WITHDRAWAL} is of {note.region} {note.service_day} r{note.revision}, or of another "
    is_of_this = of == (*due, sha256_of(source.folder / MANIFEST))
    yield from judged(
        "note", [] if is_of_this else [fault + "manifest"], f"{WITHDRAWAL} is of this manifest"
    )
    left = [name for name in manifest.files if (source.folder / name).exists()]
    faults = [f"{name} is still offered" for name in left if name not in KEPT]
    for name in sorted(KEPT.intersection(left)):
        content = (source.folder / name).read_bytes()
        faults += _faults_behind_notice(name, content, note, manifest.files[name].sha256)
        if is_cut(content):
            yield Finding("note", "open", f"the rows in {name} were taken out with its scripts")
    yield from judged("files", faults, "nothing but page and card is left, as they were published")
    yield from _extra(source, {*manifest.files, *KEPT, SUMS})


def _faults_behind_notice(
    name: str, content: bytes, note: Withdrawal, sha256: str
) -> Iterator[str]:
    if not says_why(name, content, note):
        yield f"{name} does not say why in front"
    as_published = hashlib.sha256(without_notice(name, content)).hexdigest()
    if as_published != sha256 and not is_cut(content):
        yield f"{name} behind its notice differs from its SHA-256"


def check_place(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Region, day and revision by the path, and what the archive's catalogue says."""
    if (place := source.place) is None:
        said = "the path does not tell region, day and revision; the manifest's are taken as given"
        yield Finding("place", "open", said)
        return
    own = f"{manifest.region.id}/{manifest.service_day}/r{manifest.revision}"
    fault = f"lies at {place.path}, but the manifest is of {own}"
    yield from judged("place", [] if own == place.path else [fault], f"it is {own}")
    content = source.beside(f"../../../{CATALOGUE}")
    if content is None:
        yield Finding("catalogue", "open", f"no {CATALOGUE} is at hand that names the manifest")
        return
    listed = {each["path"]: each for each in json.loads(content)["releases"]}
    entry = listed.get(place.path)
    faults = []
    if entry is None:
        faults.append(f"{CATALOGUE} does not list this release")
    elif entry["manifest_sha256"] != sha256_of(source.folder / MANIFEST):
        faults.append(f"{CATALOGUE} names another manifest: this one was changed")
    elif (entry["withdrawn"] is not None) != (source.folder / WITHDRAWAL).exists():
        faults.append(f"{CATALOGUE} disagrees with the release on whether it is withdrawn")
    yield from judged("catalogue", faults, f"{CATALOGUE} names this very manifest")
    if entry is not None and not entry["is_newest"]:
        yield Finding("newer", "open", "another revision has taken its place")


def _extra(source: Source, known: set[str]) -> Iterator[Finding]:
    if not source.is_listed:
        yield Finding("extra", "open", "files that the manifest does not name cannot be seen here")
        return
    here = {path.relative_to(source.folder).as_posix() for path in source.folder.rglob("*")}
    faults = [f"{name} is not named by the manifest" for name in sorted(here - known)]
    yield from judged("extra", faults, "no file is there that the manifest does not name")


def _sums(source: Source) -> Iterator[Finding]:
    """The list of sums, in the form of the program sha256sum, where there is one."""
    if not (source.folder / SUMS).is_file():
        return
    faults = []
    lines = (source.folder / SUMS).read_text(encoding="utf-8").splitlines()
    for line in lines:
        sha256, _, name = line.partition(" ")
        path = source.folder / name.lstrip(" *")
        if path.parent != source.folder or not path.is_file() or sha256_of(path) != sha256:
            faults.append(f"{SUMS} is wrong on {name.lstrip(' *')}")
    yield from judged("sums", faults, f"{SUMS} is right on {len(lines)} files")
