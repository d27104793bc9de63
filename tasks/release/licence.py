"""The licence that a region names, as licence files, catalogues and dataset hubs want it named."""

import re
from dataclasses import dataclass

_KNOWN = {
    "CC0-1.0": (
        "Creative Commons Zero 1.0 Universal",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "CC-BY-4.0": (
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "CC-BY-SA-4.0": (
        "Creative Commons Attribution Share Alike 4.0 International",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    ),
    "ODC-By-1.0": (
        "Open Data Commons Attribution License v1.0",
        "https://opendatacommons.org/licenses/by/1-0/",
    ),
    "ODbL-1.0": (
        "Open Data Commons Open Database License v1.0",
        "https://opendatacommons.org/licenses/odbl/1-0/",
    ),
    "PDDL-1.0": (
        "Open Data Commons Public Domain Dedication & License 1.0",
        "https://opendatacommons.org/licenses/pddl/1-0/",
    ),
}
"""Title and address of licences made for data, by SPDX identifier (SPDX License List 3.25)."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


@dataclass(frozen=True)
class Licence:
    """A licence.

    Attributes:
        id: SPDX identifier, or whatever else the region says.
        title: Its name for people.
        url: Where its text is; None if what the region says cannot be an identifier.
        is_known: Whether it is a licence for data that is known here.
    """

    id: str
    title: str
    url: str | None
    is_known: bool


def licence_of(identifier: str) -> Licence:
    """The licence of that identifier.

    Examples:
        >>> licence_of("CC-BY-4.0").url
        'https://creativecommons.org/licenses/by/4.0/'
        >>> licence_of("MIT").url
        'https://spdx.org/licenses/MIT.html'
        >>> licence_of("ask <us>").url is None
        True
    """
    if identifier in _KNOWN:
        return Licence(identifier, *_KNOWN[identifier], is_known=True)
    is_identifier = _IDENTIFIER.fullmatch(identifier) is not None
    url = f"https://spdx.org/licenses/{identifier}.html" if is_identifier else None
    return Licence(identifier, identifier, url, is_known=False)
