"""The page of a search: one static HTML file in the look of the release's page."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import PackageLoader

from tasks.release.render import environment
from tasks.release.software import Software
from tasks.release.style import inline_style
from tasks.search import Search, Simulated, Tabled
from tasks.tuning.plots import front_plot, size_plot, validity_plots
from tasks.tuning.scores import Score


def render_search(
    search: Search,
    scores: Sequence[Score],
    winner: Score | None,
    rows: Sequence[Mapping[str, Any]],
    winner_yaml: str,
    software: Software,
) -> str:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        search: The search.
        scores: Of all candidates that were tried, at least one.
        winner: What the last stage chose, if anything.
        rows: The same candidates as a table.
        winner_yaml: What was chosen, as a region's file has it.
        software: Versions of the code that searched.
    """
    fields, varied = type(search.synthesizer).model_fields, _varied(rows)
    across = "learning_rate" if "learning_rate" in fields else "steps"
    size = next((name for name in ("hidden_units", "units") if name in fields), "")
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.tuning", "templates"))
    return jinja.get_template("search.html.j2").render(
        search=search,
        scores=scores,
        stages=search.stages[: scores[-1].stage],
        winner=winner,
        winner_yaml=winner_yaml,
        rows=rows,
        varied=varied,
        runs=sum(len(score.runs) for score in scores),
        rejected=_rejected(scores, rows, varied),
        days=said_of_days(search),
        across=across,
        of_table=isinstance(search.data, Tabled),
        validity_plots=validity_plots(scores, across),
        size=size,
        size_plot=size_plot(scores, size) if size and {size, "steps", "epochs"} & {*varied} else "",
        front_plot=front_plot(scores),
        software=software,
        **inline_style("tasks.release:page.css", "tasks.tuning:tuning.css"),
    )


def said_of_days(search: Search) -> str:
    """What days runs were made of, for people."""
    names = ", ".join(search.data.sources)
    if isinstance(search.data, Simulated):
        return f"simulated days of {search.data.trips:,} trips ({names})"
    if isinstance(search.data, Tabled):
        return f"simulated tables of {search.data.rows:,} rows ({names})"
    return f"published days ({names})"


def _rejected(
    scores: Sequence[Score], rows: Sequence[Mapping[str, Any]], varied: Sequence[str]
) -> list[str]:
    """Runs that were stopped, each with what its candidate tried."""
    tried = [", ".join(f"{name.replace('_', ' ')} {row[name]}" for name in varied) for row in rows]
    return [
        f"Stage {score.stage}, {what}: {line}"
        for score, what in zip(scores, tried, strict=True)
        for line in score.rejections
    ]


def _varied(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that are not the same in all rows."""
    fixed = {"stage", "valid", "utility", "outcome"}
    names = [name for name in rows[0] if name not in fixed]
    return [name for name in names if len({row[name] for row in rows}) > 1]
