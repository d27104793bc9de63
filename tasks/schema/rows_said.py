"""Numbers of rows in words."""

from collections.abc import Mapping

_LABELS = {"modelled_trips": "modelled trips"}


def rows_said(tables: Mapping[str, int]) -> str:
    """How many rows of what a release has, for people.

    Examples:
        >>> rows_said({"starts": 720, "ends": 705, "modelled_trips": 1001})
        '720 synthetic starts, 705 synthetic ends, 1,001 modelled trips'
    """
    return ", ".join(
        f"{rows:,} {_LABELS.get(name, f'synthetic {name}')}" for name, rows in tables.items()
    )
