"""The ledger against what is published: a ledger that has forgotten a charge is not used.

A ledger restored from an old backup, or begun anew, would charge a day a second time. Every
release names the charge that paid for it, by the random public key that the charge was given
when it was made, and so proves that the ledger once held it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.privacy.charge import Charge
from tasks.privacy.errors import LedgerError


@dataclass(frozen=True)
class PublishedCharge:
    """What a published release says about the charge that paid for it.

    Attributes:
        release: The release, for people.
        region: Id of its region.
        service_day: Its service day, ISO text.
        steps: Planned steps of its mechanism, all of which ran.
        charge_key: The charge's public key; None in releases made before there were keys.
    """

    release: str
    region: str
    service_day: str
    steps: int
    charge_key: str | None


def refuse_if_older(
    label: str, charges: Iterable[Charge], published: Iterable[PublishedCharge]
) -> None:
    """Refuse a ledger that lacks a published charge, or knows less of it than its release shows.

    Args:
        label: The ledger, as messages name it.
        charges: All its charges.
        published: What the releases say.

    Raises:
        LedgerError: If the ledger is older than a release.
    """
    trained = [charge for charge in charges if charge.state == "trained"]
    steps = {charge.charge_key: charge.steps_started for charge in trained}
    of_day = {(charge.region, charge.service_day): charge.steps_started for charge in trained}

    def counted(release: PublishedCharge) -> int:
        if release.charge_key is None:
            return of_day.get((release.region, release.service_day), -1)
        return steps.get(release.charge_key, -1)

    missing = [release for release in published if counted(release) < release.steps]
    if missing:
        raise LedgerError(
            f"{label}: this ledger is older than what is published: it lacks the finished charge "
            f"of {missing[0].release} ({len(missing)} such releases); restore its newest backup "
            "before anything else is trained"
        )
