"""The privacy card: what is promised, how, and what is not, an answer to each question.

The card, the page and privacy.json say it in these sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tasks.release import words
from tasks.release.audits import AUDITED, AUDITS, SETTINGS, TWIN
from tasks.release.manifest import DpSgd, GaussianCounts, PublicManifest
from tasks.release.numbers import number, percent, scientific


@dataclass(frozen=True)
class Statement:
    """One answer of the privacy card.

    Attributes:
        name: Its key in privacy.json.
        title: What it is about, for people.
        text: The answer, in sentences.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class TableShare:
    """What a table of counts takes of the budget.

    Attributes:
        name: What is counted.
        cells: Number of counts.
        stddev: Standard deviation of the noise on each.
        share: Of the squared privacy loss of all tables, 0 to 1.
    """

    name: str
    cells: int
    stddev: float
    share: float


def statements(manifest: PublicManifest) -> Sequence[Statement]:
    """The answers, in the order in which they are read."""
    return (
        Statement("unit", "What is protected", _unit(manifest)),
        Statement("adjacency", "Neighbouring days", _adjacency(manifest)),
        Statement("day", "This day", _day(manifest)),
        Statement("series", "All days together", _series(manifest)),
        Statement("mechanism", "Mechanism and noise", _mechanism(manifest)),
        Statement("sampling", "Sampling", _sampling(manifest)),
        Statement("accountant", "Accountant", _accountant(manifest)),
        Statement("budget", "How the budget is divided", _budget(manifest)),
        Statement("public", "Public by declaration", _public(manifest)),
        Statement("not_protected", "What is not protected", _not_protected(manifest)),
        Statement("tuning", "Tuning", TUNING),
        Statement("randomness", "Randomness", _randomness(manifest)),
        Statement("audits", "Audits", _audits(manifest)),
        Statement("limits", "Known limits", _limits(manifest)),
        Statement("observers", "Who could know more", OBSERVERS),
    )


TUNING = (
    "Settings, worths of tables and every other constant were chosen on simulated trips only and "
    "are public. No day that is released, and no score of one, had a part in it."
)
OBSERVERS = (
    "The feeds are public while they are live: whoever polled them then, and every operator of a "
    "feed, holds the raw positions. The promise is about what this release adds to that."
)


def budget_shares(mechanism: GaussianCounts) -> tuple[TableShare, ...]:
    """What each table of counts takes of the budget, largest share first.

    A table's share is that of the square of what one unit changes in it, over its noise
    (`tasks.privacy.weighted_counts`).
    """
    noise = {table.name: Fraction(table.sigma) / table.multiplier for table in mechanism.tables}
    squares = {
        table.name: table.distinct / float(noise[table.name]) ** 2 for table in mechanism.tables
    }
    total = sum(squares.values())
    shares = (
        TableShare(table.name, table.cells, float(noise[table.name]), squares[table.name] / total)
        for table in mechanism.tables
    )
    return tuple(sorted(shares, key=lambda table: (-table.share, table.name)))


def count_epsilon(manifest: PublicManifest) -> float | None:
    """What the noisy count of rows takes of epsilon; None where the number is public."""
    if (count := manifest.mechanism.count) is None:
        return None
    return float(count.numbers * count.sensitivity / Fraction(count.scale))


def _unit(manifest: PublicManifest) -> str:
    if manifest.is_of_ends:
        return "One ride: its start and its end, protected together."
    if manifest.guarantee.unit == "vehicle_day":
        return (
            "All trips of one vehicle on one day together, of which at most "
            f"{manifest.guarantee.max_trips_per_vehicle} are used (unit vehicle_day)."
        )
    return "One trip (unit trip). It is not a person: a person may make several."


def _adjacency(manifest: PublicManifest) -> str:
    unit = words.unit(manifest)
    if manifest.guarantee.adjacency == "zero_out":
        return (
            f"zero_out: a neighbouring day has one {unit} replaced by an empty record that adds "
            "nothing to any count or gradient. It is accounted for as one record added or removed."
        )
    return f"add_remove: a neighbouring day has one {unit} more or one less."


def _day(manifest: PublicManifest) -> str:
    guarantee, unit = manifest.guarantee, words.unit(manifest)
    groups = [
        words.group_guarantee(guarantee.epsilon, guarantee.delta, units)
        for units in words.GROUP_SIZES
    ]
    told = "; ".join(
        f"{group.units} {unit}{'' if group.units == 1 else 's'}: {_of(group)}" for group in groups
    )
    return f"What holds for a person with so many {unit}s in the day: {told}."


def _of(group: words.GroupGuarantee) -> str:
    if group.delta >= 1:
        return "nothing is promised"
    return f"epsilon {number(group.epsilon)}, delta {scientific(group.delta)}"


def _series(manifest: PublicManifest) -> str:
    guarantee, unit = manifest.guarantee, words.unit(manifest)
    per = "vehicle and day" if guarantee.unit == "vehicle_day" else unit
    return (
        f"{_one_day(manifest)}, so for one {per} the whole archive keeps epsilon "
        f"{number(guarantee.epsilon)} and delta {scientific(guarantee.delta)}, however many days "
        f"are published (parallel composition). Over days it adds up as within a day: k {unit}s "
        "have k times epsilon."
    )


def _one_day(manifest: PublicManifest) -> str:
    """Why no further day adds to what is told of a unit."""
    if manifest.is_of_ends:
        return (
            "Starts and ends have half of the budget each, and each of them belongs to exactly one "
            "service day"
        )
    if manifest.guarantee.unit == "vehicle_day":
        return "What a vehicle did on one day belongs to exactly that service day"
    return "Every trip belongs to exactly one service day"


def _mechanism(manifest: PublicManifest) -> str:
    mechanism = manifest.mechanism
    if isinstance(mechanism, GaussianCounts):
        return (
            f"Counts in {len(mechanism.tables)} tables, taken once, each with noise from a "
            "discrete Gaussian; over all tables its standard deviation is "
            f"{number(mechanism.noise_multiplier)} times what one {words.unit(manifest)} changes "
            f"in them (L2 norm). All else is made of these counts{_and_before(manifest)}."
        )
    return (
        f"DP-SGD over {mechanism.steps:,} steps, {mechanism.reserve_steps:,} more accounted for in "
        f"reserve: gradients clipped to a norm of {number(mechanism.l2_norm_clip)}, Gaussian noise "
        f"of {number(mechanism.noise_multiplier)} times that norm on their sum, once per step. All "
        f"else is made of the weights that result{_and_before(manifest)}."
    )


def _and_before(manifest: PublicManifest) -> str:
    """What else is behind the rows, where days before this one are."""
    if manifest.history is None or manifest.history.days == 1:
        return ""
    return " and of what was measured of the days before, under their own budgets"


def _sampling(manifest: PublicManifest) -> str:
    if isinstance(manifest.mechanism, DpSgd):
        return (
            f"Poisson, as the accountant assumes: every {words.unit(manifest)} enters every step "
            "by an independent draw of probability "
            f"{number(manifest.mechanism.sampling_probability)}."
        )
    return f"None: every {words.unit(manifest)} is counted, and nothing is gained by chance."


def _accountant(manifest: PublicManifest) -> str:
    accountant = manifest.accountant
    return (
        f"{accountant.method}: epsilon {number(accountant.epsilon_pld)} by privacy loss "
        f"distributions, which counts, and {number(accountant.epsilon_rdp)} by Renyi divergences, "
        "as a cross-check; from the description of the mechanism that ran. Charged to a ledger "
        "before the day was read, per source and interval."
    )


def _budget(manifest: PublicManifest) -> str:
    count = count_epsilon(manifest)
    counted = (
        ""
        if count is None
        else f" The noisy count of rows takes epsilon {number(count)} before it."
    )
    if not isinstance(manifest.mechanism, GaussianCounts):
        return f"All of it goes to the training.{counted}"
    shares = ", ".join(
        f"{table.name} {percent(table.share)}" for table in budget_shares(manifest.mechanism)
    )
    return f"Shares of the squared privacy loss, by table: {shares}.{counted}"


def _public(manifest: PublicManifest) -> str:
    return (
        f"Not protected, because it is declared to be public: {_public_numbers(manifest)}when the "
        "feeds were polled, how they answered and the gaps; the service area, the grid, the rules "
        "for rows, all settings and the code; how each feed names its vehicles."
    )


def _public_numbers(manifest: PublicManifest) -> str:
    if manifest.guarantee.adjacency == "add_remove":
        return ""
    if manifest.is_of_ends:
        starts, ends = manifest.tables["starts"], manifest.tables["ends"]
        return f"the numbers of starts, {starts:,}, and of ends, {ends:,}; "
    return f"the number of rows, {manifest.rows:,}; "


def _not_protected(manifest: PublicManifest) -> str:
    unit = words.unit(manifest)
    place = (
        f"That a {unit} took place, since the number of rows is exact. "
        if manifest.guarantee.adjacency == "zero_out"
        else ""
    )
    return (
        f"{place}What many {unit}s have in common: a busy street is meant to show. A person with "
        f"many {unit}s has less protection than one with few, as above. What an operator keeps "
        "secret about its fleet is not protected."
    )


def _randomness(manifest: PublicManifest) -> str:
    fresh = "Fresh for every attempt, from the operating system's CSPRNG, and never written down. "
    if isinstance(manifest.mechanism, GaussianCounts):
        return (
            f"{fresh}The discrete Gaussian is exact: integers only, no floating point "
            "(Canonne, Kamath and Steinke 2020)."
        )
    return (
        f"{fresh}It keys a counter-based generator (Philox) of Gaussian noise in float64; a noisy "
        "count is exact and in integers."
    )


def _audits(manifest: PublicManifest) -> str:
    name = manifest.synthesizer.name
    if not (found := AUDITS.get(name, ())):
        return f"Its attacks run in the tests; no figures of {name} have been published."
    settings = f" {SETTINGS[name]}" if name in SETTINGS else ""
    told = "; ".join(
        f"{audit.attack}: at least {', '.join(f'{bound:g}' for bound in audit.proven)} of "
        f"{audit.accounted:g} accounted for"
        for audit in found
    )
    return (
        f"Lower bounds on epsilon that attacks proved of {name}{settings}, {AUDITED}, on {TWIN}: "
        f"{told}. "
        "None is above what is accounted for; an audit can refute a promise, not prove it."
    )


def _limits(manifest: PublicManifest) -> str:
    several = (
        ""
        if manifest.guarantee.unit == "vehicle_day"
        else f"A journey that the feed shows in pieces counts as several {words.unit(manifest)}s. "
    )
    floats = (
        "How long a draw takes is not protected; nothing published tells it."
        if isinstance(manifest.mechanism, GaussianCounts)
        else "The Gaussian is that of floating-point numbers; no noised gradient is published."
    )
    return (
        f"{several}With a probability of at most delta more may be told. How a feed names its "
        "vehicles was declared beforehand, and a daily check of it, which alerts staff, is outside "
        f"the account. {floats} The implementation was not reviewed by a third party."
    )
