"""Patience: what a journal waits for, and for how long, instead of giving up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

PAUSE_SECONDS = 5.0
"""Time between two tries."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a disk that refuses, or for another process that collects.

    Attributes:
        disk_seconds: Longest pause while nothing can be stored, for instance on a full disk.
        holder_seconds: Longest wait for the process that writes to the journal; shifts follow
            each other at once, and the one before may still wait for its last answer.
        warn: Takes one line for people when a pause begins and when it is over.
        monotonic: Seconds, from any origin.
        sleep: Waits so many seconds.
    """

    disk_seconds: float = 0.0
    holder_seconds: float = 0.0
    warn: Callable[[str], None] = lambda line: None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def outlast(
        self,
        action: Callable[[], None],
        trouble: type[Exception],
        seconds: float,
        describe: Callable[[Exception], str],
    ) -> None:
        """Do something, and again every `PAUSE_SECONDS`, until it succeeds.

        Args:
            action: What to do.
            trouble: The exception that is waited out.
            seconds: How long; 0 tries once.
            describe: The line that says what is waited for.

        Raises:
            Exception: What the last try raised, of the type of `trouble`; any other at once.
        """
        begun = self.monotonic()
        paused = False
        while True:
            try:
                action()
            except trouble as error:
                if self.monotonic() - begun >= seconds:
                    raise
                if not paused:
                    paused = True
                    self.warn(describe(error))
                self.sleep(min(PAUSE_SECONDS, seconds))
            else:
                if paused:
                    self.warn(f"it goes on after a pause of {self.monotonic() - begun:.0f} s")
                return


IMPATIENT = Patience()
"""Gives up at once."""
