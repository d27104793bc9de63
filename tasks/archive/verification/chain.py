"""Do the links of the chain of days hold, and does a revision name the one before it?"""

import hashlib
from collections.abc import Iterator

from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.files.manifest import MANIFEST
from tasks.release.manifest import History, PublicManifest, parse_public_manifest
from tasks.synthesis.chain import Link


def check_chain(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """The day's own link, and the link before it where that release is at hand."""
    if (history := manifest.history) is None:
        return
    yield from judged("link", _faults(manifest, history), "the link's hash is that of its facts")
    if history.parent is None:
        said = "no day stands behind it"
        yield Finding("parent", "ok", said)
        return
    content = source.beside(f"../../{history.parent_day}/r1/{MANIFEST}")
    if content is None:
        said = f"the release of {history.parent_day}, on which it goes on, is not at hand"
        yield Finding("parent", "open", said)
        return
    before = parse_public_manifest(content, f"{history.parent_day}/r1/{MANIFEST}").history
    if before is None or (before.link, before.days) != (history.parent, history.days - 1):
        fault = f"the release of {history.parent_day} is not the link before it"
        yield Finding("parent", "fault", fault)
    else:
        yield Finding("parent", "ok", f"it goes on from the release of {history.parent_day}")


def check_revision(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Whether a revision names the hash of the one before, and promises the same."""
    if (revises := manifest.revises) is None:
        return
    content = source.beside(f"../r{revises.revision}/{MANIFEST}")
    if content is None:
        yield Finding("revision", "open", f"r{revises.revision}, which it revises, is not at hand")
        return
    faults = []
    if hashlib.sha256(content).hexdigest() != revises.manifest_sha256:
        faults.append(f"r{revises.revision} has another manifest than the one it revises")
    before = parse_public_manifest(content, f"r{revises.revision}/{MANIFEST}")
    for name in ("guarantee", "mechanism", "charge", "history"):
        if getattr(before, name) != getattr(manifest, name):
            faults.append(f"its {name} is not that of r{revises.revision}: it is no revision of it")
    yield from judged(
        "revision", faults, f"it revises r{revises.revision}, whose model and charge it has"
    )


def _faults(manifest: PublicManifest, history: History) -> Iterator[str]:
    fields = {name: getattr(history, name) for name in Link.model_fields}
    if Link(**fields).sha256 != history.link:
        yield "the link's hash is not that of its facts"
    if history.day != manifest.service_day:
        yield f"the link is of {history.day}"
    if (history.parent is None) != (history.days == 1):
        yield f"{history.days} days stand behind it, but it names {history.parent or 'no parent'}"
