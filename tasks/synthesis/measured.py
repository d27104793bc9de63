"""The noisy count of a day: measured once for each charge, and stored before it decides anything.

A second measurement would tell more than was charged for. So its start is counted in the ledger,
durably, before the count is made; the result is on disk before it is used; a run that goes on
after a crash reads it. A start that left no result is not repeated: the day is lost.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tasks.files import write_atomically
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import StepsSpentError
from tasks.privacy.ledger import Lease, Ledger
from tasks.synthesis.errors import ModelFileError

MEASURED = "measured.json"


def measured_count(
    mechanism: NoisyCount,
    ledger: Ledger,
    lease: Lease,
    directory: Path,
    fingerprint: str,
    count: Callable[[], int],
) -> tuple[int, Lease]:
    """The noisy count of a charge, measured now or before.

    Args:
        mechanism: What is run.
        ledger: The open ledger.
        lease: The holder's lease; the measurement is the first step counted under the charge.
        directory: The model's directory, where the result is kept.
        fingerprint: The charge's.
        count: Gives the true count, private; called only if there is no result yet.

    Returns:
        The noisy count, public, and the lease with the steps started by now.

    Raises:
        StepsSpentError: If the count was begun before and its result is lost.
        LeaseLostError: If another run has taken the charge over.
        ModelFileError: If the result cannot be read.
    """
    if (measured := _stored(directory / MEASURED, fingerprint)) is not None:
        return measured, lease
    if lease.steps_started > 0:
        if lease.state != "trained":
            ledger.burn(lease)
        raise StepsSpentError(
            f"charge {lease.charge}: its noisy count was begun before, but no result is in "
            f"{directory / MEASURED}; it is not measured twice, and the day cannot be trained again"
        )
    true = count()
    ledger.start_steps(lease, 1)
    measured = mechanism.begin().measure(true)
    document = {"fingerprint": fingerprint, "count": measured}
    write_atomically(directory / MEASURED, (json.dumps(document) + "\n").encode())
    return measured, replace(lease, steps_started=1)


def _stored(path: Path, fingerprint: str) -> int | None:
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_bytes())
        return int(document["count"]) if document["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: cannot be read ({error}); restore it") from error
