"""Running a command beside the replay server, so that neither outlives the other."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType

from infra.replay.source import ReplayError

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 10


def run_command(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command to its end and pass on the signals that ask us to stop.

    The command has a process group of its own: Ctrl-C in a terminal reaches it once, through us.
    On Linux the kernel ends it when we are killed.

    Args:
        command: Program and arguments.
        variables: Added to its environment.

    Returns:
        Its exit status; 128 + the signal's number if a signal ended it.

    Raises:
        ReplayError: If it cannot be started.
    """
    early: list[int] = []  # signals that came before there was a child to pass them to
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(number)

    with _handling(pass_on):
        try:
            child = subprocess.Popen(
                command,
                env={**os.environ, **variables},
                process_group=0,
                preexec_fn=_dies_with(os.getpid()),
            )
        except OSError as error:
            raise ReplayError(f"{command[0]}: cannot be run: {error.strerror}") from error
        try:
            for number in early:
                child.send_signal(number)
            status = child.wait()
        finally:
            _end(child)
    return status if status >= 0 else 128 - status


def wait_for_signal(announcement: str, seconds: float | None = None) -> bool:
    """Print a line, then return when Ctrl-C or another signal asks this process to stop.

    Args:
        announcement: The line.
        seconds: Return after so many seconds in any case.

    Returns:
        Whether it was a signal.
    """
    reader, writer = os.pipe()
    with _handling(lambda number, frame: _wake(writer)):
        print(announcement, flush=True)
        came, _, _ = select.select([reader], [], [], seconds)
    os.close(reader)
    os.close(writer)
    return bool(came)


def _wake(writer: int) -> None:
    os.write(writer, b"!")


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    heard = [number for number in FORWARDED if signal.getsignal(number) != signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _dies_with(parent: int) -> Callable[[], None] | None:
    """What makes a new process end when its parent does, where the system can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the tie was made
            os._exit(1)

    return tie


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
