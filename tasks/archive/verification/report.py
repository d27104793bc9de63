"""What a verification found: a line for each thing that was checked, or could not be."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "fault", "open"]
_MARKS = {"ok": "ok   ", "fault": "FAULT", "open": "?    "}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What, in a word.
        verdict: `ok`, `fault`, or `open` where it cannot be checked.
        said: What was found, for people.
    """

    subject: str
    verdict: Verdict
    said: str

    @property
    def line(self) -> str:
        """As people read it."""
        return f"{_MARKS[self.verdict]}  {self.subject:<22}{' '.join(self.said.split())}"


@dataclass(frozen=True)
class Report:
    """All findings on a release.

    Attributes:
        what: The release.
        findings: What was found, in the order of looking.
    """

    what: str
    findings: tuple[Finding, ...]

    @property
    def has_faults(self) -> bool:
        """Whether anything is wrong."""
        return any(finding.verdict == "fault" for finding in self.findings)

    @property
    def lines(self) -> list[str]:
        """The whole report, for people."""
        faults = sum(finding.verdict == "fault" for finding in self.findings)
        verdict = f"{faults} {'fault' if faults == 1 else 'faults'}" if faults else "no fault"
        return [*(finding.line for finding in self.findings), f"{self.what}: {verdict}"]


def judged(subject: str, faults: Iterable[str], fine: str) -> list[Finding]:
    """The faults as findings; without any, what is fine."""
    found = [Finding(subject, "fault", fault) for fault in faults]
    return found or [Finding(subject, "ok", fine)]
