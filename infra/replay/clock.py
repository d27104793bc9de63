"""The virtual clock of a served vehicle status."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SEAT_SECONDS = 10.0
"""Wall time after which a silent client loses the clock to the next one."""

_MOMENT_SECONDS = 1.0


@dataclass
class Turn:
    """One request's view of the clock: which poll it sees, and whether it moves the clock."""

    poll: int
    moves: bool = False  # set by whoever serves it; afterwards: whether it did


class Clock:
    """Counts polls: moves by one when the client that drives it was answered in full.

    The first client to ask drives the clock, until it has been silent for `SEAT_SECONDS`. Others
    see the current poll and move nothing. A turn of the driver that ends in an exception (the
    connection broke) or without `moves` (an error was answered) leaves the clock where it is, so
    a retry sees the same poll.

    Examples:
        >>> clock = Clock()
        >>> with clock.turn("collector") as turn:
        ...     turn.moves = True
        >>> with clock.turn("browser") as turn:
        ...     turn.moves = True
        >>> clock.poll
        1
    """

    def __init__(self) -> None:
        self.poll = 0
        self._driver: str | None = None
        self._heard = 0.0
        self._seat = threading.Lock()
        self._turns = threading.Lock()

    @contextmanager
    def turn(self, client: str) -> Iterator[Turn]:
        """Serve one request; the driver's requests are served one after the other.

        Args:
            client: Who asks; the same text for every request of one client.
        """
        if not self._drives(client):
            turn = Turn(self.now())
            yield turn
            turn.moves = False
            return
        with self._turns:  # else a next request could come before this one has moved the clock
            turn = Turn(self.poll)
            yield turn
            self.poll += turn.moves
            self._heard = time.monotonic()

    def now(self) -> int:
        """The current poll; waits a moment for an answer that is about to move the clock."""
        waited = self._turns.acquire(timeout=_MOMENT_SECONDS)
        try:
            return self.poll
        finally:
            if waited:
                self._turns.release()

    def take_back(self, poll: int) -> None:
        """Undo the move made by a turn with this poll, unless the clock has moved on since."""
        with self._turns:
            if self.poll == poll + 1:
                self.poll = poll

    def _drives(self, client: str) -> bool:
        with self._seat:
            now = time.monotonic()
            if self._driver is None or now - self._heard > SEAT_SECONDS:
                self._driver = client
            if self._driver != client:
                return False
            self._heard = now
            return True
