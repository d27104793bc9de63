"""Do card, page and descriptions say what the manifest says?"""

import html
import re
from collections.abc import Iterator
from itertools import zip_longest

import pyarrow.parquet as pq

from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.release.bundle import DOCUMENTS, documents
from tasks.release.card import CARD
from tasks.release.formats.sums import SUMS
from tasks.release.listing import PAGE
from tasks.release.manifest import PublicManifest
from tasks.release.numbers import number
from tasks.release.software import installed_software

_EPSILON = re.compile(r"epsilon = ([0-9.e+-]*[0-9])")


def check_documents(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Make every document anew if this version made them; else compare what they say."""
    own = installed_software().opentrips
    if manifest.software.opentrips == own:
        yield from _byte_by_byte(source, manifest)
        return
    for name in (CARD, PAGE):
        path = source.folder / name
        if path.is_file():
            text = html.unescape(path.read_text(encoding="utf-8"))
            yield from judged(
                name, _contradictions(text, manifest), "says day, region and epsilon as stated"
            )
    made_by = manifest.software.opentrips
    said = f"made by opentrips {made_by}, not {own}: compared by what they say, not byte by byte"
    yield Finding("documents", "open", said)


def _byte_by_byte(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    made_last = {*DOCUMENTS, SUMS}
    data = {name: facts for name, facts in manifest.files.items() if name not in made_last}
    tables = {name: pq.read_table(source.folder / f"{name}.parquet") for name in manifest.tables}
    described = manifest.model_copy(update={"files": data})
    for name, due in documents(described, tables, source.folder).items():
        path = source.folder / name
        if path.is_file():
            is_said = path.read_bytes()
            faults = [] if is_said == due else [f"it says {_difference(is_said, due)}"]
            yield from judged(name, faults, "says what manifest and rows say")


def _difference(is_said: bytes, due: bytes) -> str:
    """The first line that differs, as it is and as it should be."""
    lines = zip_longest(is_said.splitlines(), due.splitlines(), fillvalue=b"")
    first, second = next(pair for pair in lines if pair[0] != pair[1])
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
    shown = (line[max(at - 30, 0) : at + 30].decode(errors="replace") for line in (first, second))
    return "{!r} instead of {!r}".format(*shown)


def _contradictions(text: str, manifest: PublicManifest) -> Iterator[str]:
    plain = text.replace("\\", "")
    for what, said in (
        ("the day", manifest.service_day.isoformat()),
        ("the region", manifest.region.name),
    ):
        if said not in plain:
            yield f"does not name {what} {said}"
    due = number(manifest.guarantee.epsilon)
    found = set(_EPSILON.findall(plain))
    if found != {due}:
        yield f"says epsilon {', '.join(sorted(found)) or 'nowhere'}, the manifest {due}"
