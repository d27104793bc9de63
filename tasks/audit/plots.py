"""The plots of the audit's page: lower bounds and exposures, one row for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.audit.exposure import UNSEEN_BITS, Exposure, allowed_mean
from tasks.audit.findings import Findings
from tasks.audit.pairs import REPLAYED, PairBound
from tasks.release.svg import dot, drawing, line, number, text

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 640.0, 250.0, 20.0, 26.0, 24.0, 44.0


@dataclass(frozen=True)
class _Scale:
    """A horizontal axis from 0 to `most`."""

    most: float
    rows: int

    def x(self, value: float) -> float:
        """Where a value is; those beyond the end are at the end."""
        return _LEFT + min(value / self.most, 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, row: int) -> float:
        """The middle of a row."""
        return _TOP + (row + 0.5) * _ROW

    @property
    def floor(self) -> float:
        """Below the last row."""
        return _TOP + self.rows * _ROW

    def axis(self, step: float, words: str) -> Iterator[Markup]:
        """Grid, ticks and the axis's name."""
        for i in range(int(self.most / step) + 1):
            at = self.x(i * step)
            yield line(at, _TOP, at, self.floor, "grid")
            yield text(at, self.floor + 16, f"{i * step:g}", "middle")
        yield text(_WIDTH - _RIGHT, self.floor + 36, words, "end")

    def mark(self, value: float, words: str) -> Iterator[Markup]:
        """A dashed line over all rows."""
        yield line(self.x(value), _TOP - 6, self.x(value), self.floor, "mark")
        yield text(self.x(value), _TOP - 11, words, "middle")


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
    scale = _Scale(most, len(rows))
    parts = [*scale.axis(_step(most), "lower bound on epsilon, 95 % confidence")]
    power, runs = findings.power, len(findings.one_runs)
    parts.append(
        Markup('<rect class="band" x="{}" y="{}" width="{}" height="{}"/>').format(
            number(scale.x(power.low)),
            number(_TOP),
            number(scale.x(power.high) - scale.x(power.low)),
            number(runs * _ROW),
        )
    )
    parts += scale.mark(claimed, f"claimed: {claimed:g}")
    for row, (name, bound, at_most) in enumerate(rows):
        if at_most != claimed:
            end = scale.x(at_most)
            parts.append(line(end, scale.y(row) - 9, end, scale.y(row) + 9, "mean"))
        parts.append(text(_LEFT - 10, scale.y(row) + 4, name, "end"))
        parts.append(line(scale.x(0), scale.y(row), scale.x(bound), scale.y(row), "tick"))
        parts.append(dot(scale.x(bound), scale.y(row), 5, f"{name}: {bound:.2f}", "dot"))
    title = "Lower bounds on epsilon: " + ", ".join(
        f"{name} {bound:.2f}" for name, bound, _ in rows
    )
    return drawing(_WIDTH, scale.floor + _BOTTOM, title, parts, "chart")


def exposure_plot(exposures: Sequence[Exposure], epsilon: float) -> Markup:
    """Every canary's exposure, group by group."""
    most = max(12.0, *(bits for group in exposures for bits in group.bits))
    scale = _Scale(most, len(exposures))
    parts = [*scale.axis(2, "exposure, bits")]
    parts += scale.mark(UNSEEN_BITS, f"unseen: {UNSEEN_BITS:.2f}")
    for row, group in enumerate(exposures):
        y = scale.y(row)
        parts.append(text(_LEFT - 10, y + 4, _named(group), "end"))
        parts += [dot(scale.x(b), y, 3.5, f"{b:.2f} bits", "dot faint") for b in group.bits]
        parts.append(line(scale.x(group.mean), y - 9, scale.x(group.mean), y + 9, "mean"))
        if group.is_private and group.copies == 1:
            limit = scale.x(allowed_mean(epsilon))
            parts.append(line(limit, y - 9, limit, y + 9, "mark"))
    title = "Exposure in the mean: " + ", ".join(
        f"{_named(group)} {group.mean:.2f} bits" for group in exposures
    )
    return drawing(_WIDTH, scale.floor + _BOTTOM, title, parts, "chart")


def _named(group: Exposure) -> str:
    return f"{group.group}, {'private' if group.is_private else 'not private'}"


def _of_pair(pair: PairBound, delta: float) -> str:
    """What a pair is called beside a plot."""
    name = "pair: " + pair.mechanism.replace(REPLAYED, ", replayed")
    return name if pair.delta == delta else f"{name}, delta {pair.delta:g}"


def _step(most: float) -> float:
    return next(step for step in (0.5, 1.0, 2.0, 5.0, 10.0) if most / step <= 12)
