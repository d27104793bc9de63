"""The page: one static index.html that opens from disk and asks nobody for anything."""

from collections.abc import Mapping
from fractions import Fraction
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from markupsafe import Markup

from tasks.region.ways import Ways
from tasks.release.bars import distance_bars, distance_class, hour_bars
from tasks.release.busiest import busiest
from tasks.release.figures import Figures, figures_of
from tasks.release.listing import listing
from tasks.release.live_map import live_map
from tasks.release.manifest import FileFacts, GaussianCounts, PublicManifest
from tasks.release.missing import missing
from tasks.release.numbers import distance, number, scientific
from tasks.release.plots import LARGE, SMALL, Ramp, capture_line, density_map
from tasks.release.render import context, environment
from tasks.release.scripts import SCRIPTED, allowed, data_block, map_script

_REGION = "../../index.html#{}-{}"
"""The day among all days of the region, from a release's folder. A release never changes, so its
page knows of no later day; the region's page does."""


def render_page(
    manifest: PublicManifest,
    tables: Mapping[str, pa.Table],
    *,
    ways: Ways | None = None,
    described: Mapping[str, Any] | None = None,
    documents: Mapping[str, FileFacts] = MappingProxyType({}),
) -> str:
    """The page of a release, in HTML.

    It asks for nothing: style and scripts are inline and allowed by their hashes, the rows that
    the map draws lie in the page, everything else is forbidden by its own content security policy.
    Without script it shows still maps of the same rows.

    Args:
        manifest: The public manifest; its `files`, the data, are offered for download.
        tables: The published rows: `trips`, or `starts`, `ends` and `modelled_trips`; and
            `intervals` where the release has them.
        ways: The published roads and docks, for the ground of the map.
        described: The release as JSON-LD, for search engines.
        documents: Lengths and hashes of the descriptions beside the page.
    """
    boxes = manifest.region.service_area
    figures = figures_of(tables, boxes)
    live = live_map(tables, [area.box for area in figures.areas], ways)
    ramp = Ramp.up_to(_most(figures))
    style = files("tasks.release").joinpath("templates/page.css").read_text(encoding="utf-8")
    script = map_script()
    capture = manifest.capture
    jinja = environment(autoescape=True)
    zone = ZoneInfo(manifest.region.time_zone)
    jinja.filters["local"] = lambda moment: f"{moment.astimezone(zone):%H:%M:%S}"
    jinja.filters["power"] = _power
    return jinja.get_template("page.html.j2").render(
        context(manifest),
        style=Markup(style),
        style_source=Markup(allowed(style)),
        early_script=Markup(SCRIPTED),
        script=Markup(script),
        script_sources=Markup(" ".join(allowed(each) for each in (SCRIPTED, script))),
        described=None if described is None else data_block(described),
        listed=listing(manifest.files, documents),
        region_page=_REGION.format(manifest.region.id, manifest.service_day),
        figures=figures,
        busiest=busiest(figures),
        live_facts=data_block(live.facts),
        live_arrays=live.content,
        layers=live.facts["layers"],
        median=distance(figures.median_m),
        cell=f"{distance(figures.cell_m)} by {distance(figures.cell_m)}",
        distance_class=lambda i: distance_class(figures.distances, i),
        settings=_settings(manifest),
        missing=missing(manifest),
        ramp=list(zip(ramp.colours, ramp.labels(), strict=True)),
        maps=_maps(figures, ramp),
        hour_plot=hour_bars(figures.hours, "ends" if manifest.is_of_ends else "trips"),
        distance_plot=distance_bars(figures.distances, figures.median_m),
        timelines={
            feed.id: capture_line(feed, capture.start, capture.end, manifest.region.time_zone)
            for feed in capture.feeds
        },
    )


def _most(figures: Figures) -> int:
    """The largest count of any cell of a still map."""
    return max(
        int(cells.max(initial=0)) for a in figures.areas for cells in (a.origins, a.destinations)
    )


def _maps(figures: Figures, ramp: Ramp) -> dict[str, dict[str, Markup]]:
    """For each area, its two maps by end of the trip."""
    style = LARGE if len(figures.areas) == 1 else SMALL
    return {
        area.box.name: {
            "origins": density_map(
                area.origins,
                area.box,
                figures.cell_m,
                ramp,
                style,
                f"{area.box.name}: where trips start, trips per cell",
            ),
            "destinations": density_map(
                area.destinations,
                area.box,
                figures.cell_m,
                ramp,
                style,
                f"{area.box.name}: where trips end, trips per cell",
            ),
        }
        for area in figures.areas
    }


def _power(value: float) -> Markup:
    """A small number with its power of ten raised by HTML, which every font can show."""
    text = scientific(value)
    digits = text.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "\N{MINUS SIGN}0123456789")
    base, power = text.rstrip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹"), text.lstrip("0123456789. \N{MULTIPLICATION SIGN}")
    return (
        Markup("{}<sup>{}</sup>").format(base, power.translate(digits)) if power else Markup(base)
    )


def _settings(manifest: PublicManifest) -> dict[str, object]:
    """Mechanism and synthesizer in one list; what both have is said once."""
    settings = {
        "synthesizer": manifest.synthesizer.name,
        **manifest.synthesizer.settings,
        **manifest.mechanism.model_dump(exclude={"name", "count", "tables"}),
    }
    if isinstance(manifest.mechanism, GaussianCounts):
        settings |= {
            f"noise_on_{table.name}": number(Fraction(table.sigma) / table.multiplier)
            for table in manifest.mechanism.tables
        }
    if (count := manifest.mechanism.count) is not None:
        settings |= {"count_sensitivity": count.sensitivity, "count_noise_scale": count.scale}
    return settings
