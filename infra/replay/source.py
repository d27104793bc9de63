"""What the replay server plays: the interface between a day's data and HTTP."""

from typing import Protocol

from tasks import OpentripsError


class ReplayError(OpentripsError):
    """An input of the replay server is missing or wrong."""


class Source(Protocol):
    """One feed's day, poll by poll; polls are numbered from 0 on."""

    @property
    def versions(self) -> tuple[str, ...]:
        """GBFS versions in which the day can be served; the first is the default."""
        ...

    @property
    def polls(self) -> int:
        """How many polls the day holds."""
        ...

    def time(self, poll: int) -> int:
        """Virtual time of a poll, in Unix seconds; for poll = `polls`, that of the end."""
        ...

    def tag(self, version: str, poll: int) -> str:
        """A token that two polls share exactly if their bodies are identical."""
        ...

    def vehicle_status(self, version: str, poll: int) -> bytes:
        """Body of the vehicle status, JSON in UTF-8."""
        ...

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        """Bodies of the feed set's other files, by GBFS name without `.json`."""
        ...
