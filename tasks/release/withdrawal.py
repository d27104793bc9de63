"""Withdrawals: a note beside an immutable release that says why it is no longer offered.

The manifest stays as it is, and with it the hashes of what was published. Page and card keep their
content behind a notice, which can be taken off again; all other files are removed.
"""

import datetime as dt
import html
import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.release.errors import ReleaseError

WITHDRAWAL = "withdrawal.json"
_FRONT = {
    ".html": re.compile(rb"<header\b[^>]*>\n"),
    ".md": re.compile(rb"^(?=# )", re.MULTILINE),
}
"""The notice goes after this: first in the header of a page, before the title of a card."""
_LINE = {
    ".html": re.compile(rb'<p class="caution" role="alert"><strong>Withdrawn: .*\n'),
    ".md": re.compile(rb"^\*\*Withdrawn: .*\n\n", re.MULTILINE),
}
"""A notice, whatever it says: another version may word it otherwise."""
_SCRIPT = re.compile(rb"<script\b.*?</script>\n?", re.DOTALL)
_CUT = b"<!-- The scripts, and the rows that they drew, were taken out. -->\n"
_GONE = "The data files are no longer offered; what follows is as it was published."
_PAGE_NOTICE = '<p class="caution" role="alert"><strong>Withdrawn: {}</strong> {}</p>\n'
_CARD_NOTICE = "**Withdrawn: {}** {}\n\n"


class Heir(BaseModel):
    """A later release whose model goes on from what was measured for the withdrawn one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_day: dt.date
    revision: int = Field(ge=1)


class Withdrawal(BaseModel):
    """Why a revision is withdrawn, and which later releases inherit from it.

    Attributes:
        region: Id of the region.
        service_day: The day.
        revision: The revision that is withdrawn.
        manifest_sha256: Of its manifest, which stays.
        reason: For people.
        at: When it was withdrawn, UTC.
        inherited_by: Releases published by then that go on from what was measured for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field("withdrawal", pattern="^withdrawal$")
    region: str
    service_day: dt.date
    revision: int = Field(ge=1)
    manifest_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    reason: str = Field(min_length=1)
    at: dt.datetime
    inherited_by: tuple[Heir, ...]

    @classmethod
    def parse(cls, content: bytes, where: str) -> Self:
        """A withdrawal from its bytes.

        Args:
            content: The bytes.
            where: Where they lie, for people.

        Raises:
            ReleaseError: If they are none.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise ReleaseError(f"{where}: no withdrawal; restore it from a backup") from error

    def content(self) -> bytes:
        """Its bytes."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    def said(self) -> str:
        """The reason and what inherits, in words."""
        heirs = ", ".join(f"{heir.service_day} r{heir.revision}" for heir in self.inherited_by)
        inherit = f" Later releases that go on from what was measured for it: {heirs}."
        ending = "" if self.reason.endswith((".", "!", "?")) else "."
        return f"{self.reason}{ending}{inherit if heirs else ''}"


def noticed(name: str, document: bytes, withdrawal: Withdrawal) -> bytes:
    """A page or a card with the reason in front; one that has it already stays as it is.

    A page that carries rows for its scripts loses both, and shows what it shows without script.

    Args:
        name: Its file name; a page ends in `.html`, a card in `.md`.
        document: Its content.
        withdrawal: What is said.
    """
    if _LINE[Path(name).suffix].search(document):
        return document
    notice = _notice(name, withdrawal)
    if (plain := _SCRIPT.sub(b"", document)) != document and name.endswith(".html"):
        document, notice = plain, notice + _CUT
    found = _FRONT[Path(name).suffix].search(document)
    front = found.end() if found else 0
    return document[:front] + notice + document[front:]


def without_notice(name: str, document: bytes) -> bytes:
    """The page or card as it was published."""
    return _LINE[Path(name).suffix].sub(b"", document, count=1)


def is_cut(document: bytes) -> bool:
    """Whether rows were taken out of a page, so that it is not as it was published."""
    return _CUT in document


def says_why(name: str, document: bytes, withdrawal: Withdrawal) -> bool:
    """Whether the notice in front of a page or card gives the reason."""
    found = _LINE[Path(name).suffix].search(document)
    return found is not None and _reason(name, withdrawal).encode() in found[0]


def _notice(name: str, withdrawal: Withdrawal) -> bytes:
    notice = _PAGE_NOTICE if name.endswith(".html") else _CARD_NOTICE
    return notice.format(_reason(name, withdrawal), _GONE).encode()


def _reason(name: str, withdrawal: Withdrawal) -> str:
    said = " ".join(withdrawal.said().split())
    return html.escape(said) if name.endswith(".html") else said
