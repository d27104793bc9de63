"""The page of a quality report: one static HTML file in the look of the release's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import PackageLoader

from tasks.quality.plots import (
    components_plots,
    difference_map,
    difference_of,
    field_plot,
    figures_plot,
    said,
    trends_plot,
)
from tasks.quality.report import Report
from tasks.quality.trips import Difference
from tasks.release.render import environment
from tasks.release.software import Software
from tasks.release.style import inline_style


@dataclass(frozen=True)
class About:
    """What a report is about, for people.

    Attributes:
        name: Name of the table, or of the region.
        part: Which part of it: a day, a run.
        synthetic: What the synthetic rows are.
        held_out: What the training rows and the held-out ones are, one sentence or two.
    """

    name: str
    part: str
    synthetic: str
    held_out: str


def render_quality(
    report: Report, about: About, software: Software, maps: Sequence[Difference] = ()
) -> str:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    It is marked as internal, since it shows figures of private rows.

    Args:
        report: The report.
        about: What it is about.
        software: Versions of the code that made it.
        maps: Of trips, both ends for each service area.
    """
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.quality", "templates"))
    jinja.filters["said"] = said
    boxes = list(dict.fromkeys(each.box.name for each in maps))
    scatters = {} if report.components is None else components_plots(report.components)
    return jinja.get_template("quality.html.j2").render(
        report=report,
        about=about,
        software=software,
        scores=report.scores,
        figures_plot=figures_plot(report.figures),
        field_plots=[(field, field_plot(field)) for field in report.fields],
        trends_plot=trends_plot(report.trends) if report.trends else "",
        pairs=sorted(
            (
                (
                    trend,
                    difference_of(trend, trend.similarity.synthetic),
                    difference_of(trend, trend.similarity.held_out),
                )
                for trend in report.trends
                if trend.similarity.synthetic == trend.similarity.synthetic
            ),
            key=lambda each: -each[1],
        ),
        scatters=scatters,
        maps={
            name: {
                each.end: difference_map(each, large=len(boxes) == 1)
                for each in maps
                if each.box.name == name
            }
            for name in boxes
        },
        **inline_style("tasks.release:page.css", "tasks.quality:quality.css"),
    )
