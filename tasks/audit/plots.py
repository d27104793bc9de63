"""The plots of the audit's page: lower bounds and exposures, one row for each."""

from collections.abc import Sequence

from markupsafe import Markup

from tasks.audit.exposure import UNSEEN_BITS, Exposure, allowed_mean
from tasks.audit.findings import Findings
from tasks.audit.pairs import REPLAYED, PairBound
from tasks.release.row_plot import RowPlot
from tasks.release.svg import dot, line, number


def bounds_plot(findings: Findings) -> Markup:
    """Lower bounds on epsilon against the claim and against what the audit can find."""
    claimed = findings.one_runs[0].epsilon_claimed
    rows = [
        (f"one run, seed {run.seed}", run.epsilon_lower, run.epsilon_claimed)
        for run in findings.one_runs
    ]
    rows += [
        (_of_pair(pair, findings.delta), pair.epsilon_lower, pair.epsilon_claimed)
        for pair in findings.pairs
    ]
    most = max(claimed, *(bound for _, bound, _ in rows)) * 1.15
    scale = RowPlot(most, len(rows))
    parts = [*scale.axis(_step(most), "lower bound on epsilon, 95 % confidence")]
    power, runs = findings.power, len(findings.one_runs)
    parts.append(
        Markup('<rect class="band" x="{}" y="{}" width="{}" height="{}"/>').format(
            number(scale.x(power.low)),
            number(scale.top),
            number(scale.x(power.high) - scale.x(power.low)),
            number(scale.y(runs) - scale.y(0)),
        )
    )
    parts += scale.mark(claimed, f"claimed: {claimed:g}")
    for row, (name, bound, at_most) in enumerate(rows):
        if at_most != claimed:
            end = scale.x(at_most)
            parts.append(line(end, scale.y(row) - 9, end, scale.y(row) + 9, "mean"))
        parts.append(scale.name(row, name))
        parts.append(line(scale.x(0), scale.y(row), scale.x(bound), scale.y(row), "tick"))
        parts.append(dot(scale.x(bound), scale.y(row), 5, f"{name}: {bound:.2f}", "dot"))
    title = "Lower bounds on epsilon: " + ", ".join(
        f"{name} {bound:.2f}" for name, bound, _ in rows
    )
    return scale.drawn(title, parts)


def exposure_plot(exposures: Sequence[Exposure], epsilon: float) -> Markup:
    """Every canary's exposure, group by group."""
    most = max(12.0, *(bits for group in exposures for bits in group.bits))
    scale = RowPlot(most, len(exposures))
    parts = [*scale.axis(2, "exposure, bits")]
    parts += scale.mark(UNSEEN_BITS, f"unseen: {UNSEEN_BITS:.2f}")
    for row, group in enumerate(exposures):
        y = scale.y(row)
        parts.append(scale.name(row, _named(group)))
        parts += [dot(scale.x(b), y, 3.5, f"{b:.2f} bits", "dot faint") for b in group.bits]
        parts.append(line(scale.x(group.mean), y - 9, scale.x(group.mean), y + 9, "mean"))
        if group.is_private and group.copies == 1:
            limit = scale.x(allowed_mean(epsilon))
            parts.append(line(limit, y - 9, limit, y + 9, "mark"))
    title = "Exposure in the mean: " + ", ".join(
        f"{_named(group)} {group.mean:.2f} bits" for group in exposures
    )
    return scale.drawn(title, parts)


def _named(group: Exposure) -> str:
    return f"{group.group}, {'private' if group.is_private else 'not private'}"


def _of_pair(pair: PairBound, delta: float) -> str:
    """What a pair is called beside a plot."""
    name = "pair: " + pair.mechanism.replace(REPLAYED, ", replayed")
    return name if pair.delta == delta else f"{name}, delta {pair.delta:g}"


def _step(most: float) -> float:
    return next(step for step in (0.5, 1.0, 2.0, 5.0, 10.0) if most / step <= 12)
