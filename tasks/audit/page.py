"""The page of an audit: one static HTML file in the look of the release's page."""

from jinja2 import PackageLoader

from tasks.audit.exposure import allowed_mean
from tasks.audit.findings import Findings
from tasks.audit.membership import FALSE_ALARMS, largest_area, largest_hit_rate
from tasks.audit.plots import bounds_plot, exposure_plot
from tasks.audit.statistics import Estimate
from tasks.release.render import environment
from tasks.release.software import Software
from tasks.release.style import inline_style


def render_audit(found: Findings, software: Software) -> str:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        found: The findings.
        software: Versions of the code that found them.
    """
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.audit", "templates"))
    jinja.filters["interval"] = _interval
    day = found.service_day
    bounds = [run.epsilon_lower for run in found.one_runs]
    bounds += [pair.epsilon_lower for pair in found.pairs if pair.delta == found.delta]
    return jinja.get_template("audit.html.j2").render(
        found=found,
        software=software,
        **inline_style("tasks.release:page.css", "tasks.audit:audit.css"),
        day=f"{day:%A} {day.day} {day:%B %Y}",
        violations=found.violations(),
        weaknesses=found.weaknesses(),
        claimed=found.one_runs[0].epsilon_claimed,
        best_bound=max(bounds),
        once=next(group for group in found.exposures if group.is_private and group.copies == 1),
        allowed=allowed_mean(found.epsilon),
        private=next(model for model in found.memberships if model.is_private),
        open=next(model for model in found.memberships if not model.is_private),
        false_alarms=FALSE_ALARMS,
        largest_area=largest_area(found.epsilon),
        largest_hits=[largest_hit_rate(found.epsilon, found.delta, each) for each in FALSE_ALARMS],
        bounds_plot=bounds_plot(found),
        exposure_plot=exposure_plot(found.exposures, found.epsilon),
    )


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
