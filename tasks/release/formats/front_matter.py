"""The head of the card, which dataset hubs read: licence, tags, size, what loads as what."""

import re
from typing import Any

from tasks.release.metadata import Metadata

_HUB_LICENCES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
}
"""What hubs call the licences that they know."""

_SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
}


def front_matter(about: Metadata) -> dict[str, Any]:
    """The head of a release's card, to be written as YAML."""
    return {
        **_licence(about),
        "pretty_name": about.title,
        "tags": [keyword.lower().replace(" ", "-") for keyword in about.keywords],
        "size_categories": [_size(sum(about.tables.values()))],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if index == 0 else {}),
                "data_files": [{"split": "train", "path": f"{name}.parquet"}],
            }
            for index, name in enumerate(about.tables)
        ],
    }


def _licence(about: Metadata) -> dict[str, str]:
    if (name := _HUB_LICENCES.get(about.licence.id)) is not None:
        return {"license": name}
    named = re.sub("[^a-z0-9.]+", "-", about.licence.id.lower())[:64].strip("-.") or "own"
    return {"license": "other", "license_name": named, "license_link": "LICENSE"}


def _size(rows: int) -> str:
    """The size category of a number of rows.

    Examples:
        >>> _size(999), _size(27_114)
        ('n<1K', '10K<n<100K')
    """
    return next((name for below, name in _SIZES.items() if rows < below), "100M<n<1B")
