"""Whether what a mechanism draws looks as its accounting assumes."""

from dataclasses import dataclass

IMPLAUSIBLE = 1e-6
"""A p-value under this is no accident."""


@dataclass(frozen=True)
class Check:
    """How plausible a mechanism's draws are under what the accountant assumes.

    Attributes:
        assumption: What is assumed, in words.
        seen: What was looked at, in words.
        p_value: Of the least plausible of several statistics, corrected for being several.
    """

    assumption: str
    seen: str
    p_value: float

    @property
    def is_violation(self) -> bool:
        """Whether the assumption cannot be true."""
        return self.p_value < IMPLAUSIBLE
