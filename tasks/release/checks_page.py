"""The page of the checks of a day's rows: one static HTML file in the look of the release's."""

from tasks.release.checks import Checks
from tasks.release.render import environment
from tasks.release.software import Software
from tasks.release.style import inline_style


def render_checks(found: Checks, software: Software) -> str:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        found: What was expected and found.
        software: Versions of the code that checked.
    """
    day = found.service_day
    return (
        environment(autoescape=True)
        .get_template("checks.html.j2")
        .render(
            found=found,
            day=f"{day:%A} {day.day} {day:%B %Y}",
            has_tables=len(found.rows) > 1,
            software=software,
            **inline_style("tasks.release:page.css", "tasks.release:checks.css"),
        )
    )
