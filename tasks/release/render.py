"""The Jinja2 environment of the card and the page, and what both are told."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tasks.release import numbers, words, words_of_ends, words_of_privacy
from tasks.release.manifest import PublicManifest
from tasks.release.tables import SCHEMAS
from tasks.release.text import markdown
from tasks.schema import (
    COUNTED,
    COUNTED_OF_ENDS,
    INTERVALS,
    MEASUREMENTS,
    MEASUREMENTS_OF_ENDS,
    Column,
)


def environment(*, autoescape: bool) -> Environment:
    """Templates beside this file; a name that is not given is an error.

    Args:
        autoescape: Whether to escape for HTML; the Markdown template uses the filter
            `markdown` instead.
    """
    made = Environment(
        loader=PackageLoader("tasks.release", "templates"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        markdown=markdown,
        number=numbers.number,
        percent=numbers.percent,
        size=numbers.size,
        scientific=numbers.scientific,
        duration=numbers.duration,
        bounds=bounds,
        file_words=words.file_words,
    )
    return made


def context(manifest: PublicManifest) -> dict[str, Any]:
    """What the templates of card and page share."""
    guarantee = manifest.guarantee
    of_ends = manifest.is_of_ends
    said = words_of_ends if of_ends else words
    return {
        "manifest": manifest,
        "summary": said.SUMMARY,
        "counts": _counts(manifest),
        "unit_rows": "rides" if of_ends else "trips",
        "cautions": words.cautions(manifest),
        "unit": words.unit(manifest),
        "promise": said.promise(manifest),
        "groups": [
            words.group_guarantee(guarantee.epsilon, guarantee.delta, units)
            for units in words.GROUP_SIZES
        ],
        "privacy": words_of_privacy.statements(manifest),
        "making": said.making(manifest),
        "limits": said.limits(manifest),
        "measured": said.measured(manifest),
        "error_bars": words.error_bars(manifest),
        "interval_columns": INTERVALS.columns,
        "measurement_columns": (MEASUREMENTS_OF_ENDS if of_ends else MEASUREMENTS).columns,
        "counted": COUNTED_OF_ENDS if of_ends else COUNTED,
        "tables": {name: SCHEMAS[name] for name in manifest.tables},
        "day": f"{manifest.service_day:%A} {manifest.service_day.day} {manifest.service_day:%B %Y}",
    }


def _counts(manifest: PublicManifest) -> dict[str, int]:
    """How many rows of what kind."""
    if not manifest.is_of_ends:
        return {"Synthetic trips": manifest.rows}
    kinds = ("starts", "ends")
    counts = {f"Synthetic {kind}": manifest.tables[kind] for kind in kinds}
    return counts | {"Modelled trips": manifest.tables["modelled_trips"]}


def bounds(column: Column) -> str:
    """The valid values of a column, for people; empty where none are declared.

    Examples:
        >>> from tasks.schema import RELEASE
        >>> bounds(RELEASE.column("hour"))
        '0 to 23'
    """
    if column.minimum is None or column.maximum is None:
        return ", ".join(column.categories or ())
    return f"{column.minimum:,.10g} to {column.maximum:,.10g}"
