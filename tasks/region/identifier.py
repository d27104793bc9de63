"""Ids of regions, feeds and areas, made of names for people."""

import re
import unicodedata

LONGEST = 60
"""Most characters of an id that is made here; a region's file may use 63."""


def identifier_of(name: str) -> str:
    """A name as an id: lower-case letters, digits and -; empty if nothing of it is left.

    Examples:
        >>> identifier_of("São Paulo"), identifier_of("東京")
        ('sao-paulo', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
