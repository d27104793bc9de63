"""Steps of this machine's clock: it was set, by hand or by a time server."""

import time

MIN_STEP_MS = 1000
"""A smaller difference is a clock that runs a little fast or slow, not one that was set."""

# it also counts while the machine sleeps, where the system has such a clock
_UNSTEPPED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def wall_ms() -> int:
    """The clock that can be set, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def unstepped_ms() -> int:
    """A clock that nobody can set, milliseconds from any origin."""
    return time.clock_gettime_ns(_UNSTEPPED) // 1_000_000


class ClockSteps:
    """Compares the two clocks each time it is asked."""

    def __init__(self) -> None:
        self._offset = wall_ms() - unstepped_ms()

    def since_last(self) -> int | None:
        """Milliseconds by which the clock was set since this was asked last; None if it was not.

        It is negative for a clock that was set back.
        """
        before, self._offset = self._offset, wall_ms() - unstepped_ms()
        step = self._offset - before
        return step if abs(step) >= MIN_STEP_MS else None
