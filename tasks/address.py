"""Where people find what is published."""

import os

from tasks.release.errors import ReleaseError


def public_address() -> str | None:
    """The address of the folder of releases, without a slash at its end; none if nobody said.

    Raises:
        ReleaseError: If OPENTRIPS_PUBLIC_URL is no address.
    """
    address = os.environ.get("OPENTRIPS_PUBLIC_URL")
    if address and not address.startswith(("http://", "https://")):
        raise ReleaseError(
            f"OPENTRIPS_PUBLIC_URL={address} is no address; write the one at which the folder "
            "releases is served, such as https://example.org/trips"
        )
    return address.rstrip("/") if address else None
