"""The page of a study: one static HTML file in the look of the release's page."""

from collections.abc import Sequence

from jinja2 import PackageLoader

from tasks.audit.plots import exposure_plot
from tasks.comparison import RowsFile, Study, TripDistance
from tasks.release.render import environment
from tasks.release.software import Software
from tasks.release.style import inline_style
from tasks.study.figures import FILTERS
from tasks.study.plots import exposures_plot, secrets_plot
from tasks.study.summary import Found, Repeated, Row, exposures_by_name

_FILTER_WORDS = {
    "none": "no filter",
    "similarity": "similarity filter",
    "outliers": "outlier filter",
    "both": "both filters",
}


def render_study(
    study: Study,
    rows: Sequence[Row],
    repeated: Sequence[Repeated],
    found: Found,
    software: Software,
) -> str:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        study: The study.
        rows: Its figures.
        repeated: What became of the secret; empty where that was not tried.
        found: All runs.
        software: Versions of the code that made it.
    """
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.study", "templates"))
    return jinja.get_template("study.html.j2").render(
        study=study,
        rows=rows,
        repeated=repeated,
        filters={name: _FILTER_WORDS[name] for name in FILTERS},
        runs=len(found),
        minutes=sum(outcome.seconds for _, outcome in found) / 60,
        is_of_file=isinstance(study.data, RowsFile),
        is_of_trips=isinstance(study.distance, TripDistance),
        exposure_plot=exposure_plot(exposures_by_name(study, found), _epsilon(study)),
        secrets_plot=secrets_plot(repeated, study.training_rows) if repeated else "",
        exposures_plot=exposures_plot(repeated, study.training_rows) if repeated else "",
        software=software,
        **inline_style("tasks.release:page.css", "tasks.audit:audit.css", "tasks.study:study.css"),
    )


def _epsilon(study: Study) -> float:
    """The epsilon that the plot of exposures marks the limit of."""
    epsilons = [each.guarantee.epsilon for each in study.configurations if each.guarantee]
    return max(epsilons, default=0.0)
