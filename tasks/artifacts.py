"""The keys of artifacts, by which a Prefect server groups their versions."""

import datetime as dt

from tasks.region import Region


def artifact_key(what: str, region: Region, day: dt.date | None = None) -> str:
    """The key of an artifact of a region, or of one of its days.

    Args:
        what: What the artifact shows, in lower-case letters and dashes.
        region: The region.
        day: The service day, if it is of one.
    """
    parts = (what, region.id, *([] if day is None else [str(day)]))
    return "-".join(parts).replace("_", "-")
