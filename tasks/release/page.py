"""The page: one static index.html that opens from disk and asks nobody for anything."""

import base64
import hashlib
from collections.abc import Mapping
from fractions import Fraction
from importlib.resources import files
from zoneinfo import ZoneInfo

import pyarrow as pa
from markupsafe import Markup

from tasks.release.figures import Figures, figures_of, figures_of_ends
from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.numbers import distance, number, scientific
from tasks.release.plots import (
    LARGE,
    SMALL,
    Ramp,
    capture_line,
    density_map,
    distance_bars,
    hour_bars,
)
from tasks.release.render import context, environment


def render_page(manifest: PublicManifest, table: pa.Table) -> str:
    """The page of a release of trips, in HTML.

    No script, no request: the one style sheet is inline and allowed by its hash, everything else
    is forbidden by the page's own content security policy.

    Args:
        manifest: The public manifest; its `files` are offered for download.
        table: The published rows, columns as `tasks.schema.RELEASE`.
    """
    return _render(manifest, figures_of(table, manifest.region.service_area))


def render_page_of_ends(manifest: PublicManifest, tables: Mapping[str, pa.Table]) -> str:
    """The page of a release of starts, ends and modelled trips, likewise.

    Args:
        manifest: The public manifest.
        tables: The published rows of `starts`, `ends` and `modelled_trips`.
    """
    return _render(manifest, figures_of_ends(tables, manifest.region.service_area))


def _render(manifest: PublicManifest, figures: Figures) -> str:
    style = files("tasks.release").joinpath("templates/page.css").read_text(encoding="utf-8")
    ramp = Ramp.up_to(
        max(
            int(cells.max(initial=0))
            for a in figures.areas
            for cells in (a.origins, a.destinations)
        )
    )
    capture = manifest.capture
    jinja = environment(autoescape=True)
    zone = ZoneInfo(manifest.region.time_zone)
    jinja.filters["local"] = lambda moment: f"{moment.astimezone(zone):%H:%M:%S}"
    jinja.filters["power"] = _power
    return jinja.get_template("page.html.j2").render(
        context(manifest),
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        figures=figures,
        median=distance(figures.median_m),
        cell=f"{distance(figures.cell_m)} by {distance(figures.cell_m)}",
        km=lambda step: f"{step * figures.distance_step_m / 1000:g}",
        settings=_settings(manifest),
        ramp=list(zip(ramp.colours, ramp.labels(), strict=True)),
        maps=_maps(figures, ramp),
        hour_plot=hour_bars(figures.hours),
        distance_plot=distance_bars(figures.distances, figures.distance_step_m, figures.median_m),
        timelines={
            feed.id: capture_line(feed, capture.start, capture.end, manifest.region.time_zone)
            for feed in capture.feeds
        },
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
