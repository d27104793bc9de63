"""People that nobody is: their age, sex, education, occupation, hours of work and income.

The columns depend on one another as such columns do. Younger people have had more schooling.
What people work as follows from their education and, more weakly, from their sex; how long they
work from occupation, sex and age. The logarithm of what an hour of work earns is that of Mincer
1974, "Schooling, experience and earnings": linear in years of schooling, with a peak in
experience; occupation and sex shift it. Income is rounded to hundreds.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.tables import CategoryColumn, IntegerColumn, PublicTable

_EDUCATION = {"none": 8, "school": 12, "college": 14, "bachelor": 16, "master": 18, "doctor": 21}
"""Years of schooling by degree."""

_OCCUPATIONS = {
    "farming": (11.0, 0.6, -0.20, 46),
    "cleaning": (10.5, -0.4, -0.25, 33),
    "craft": (12.0, 1.2, 0.05, 41),
    "transport": (11.5, 1.0, -0.05, 43),
    "sales": (13.5, -0.2, 0.00, 38),
    "office": (13.5, -0.8, -0.05, 37),
    "health": (16.0, -0.7, 0.10, 36),
    "teaching": (17.0, -0.5, -0.05, 38),
    "engineering": (17.0, 1.0, 0.25, 41),
    "management": (16.0, 0.3, 0.35, 45),
}
"""By occupation: usual years of schooling, leaning to men, what it adds to the logarithm of the
hourly wage, and usual hours a week."""

MOST_INCOME = 500_000

INCOMES = PublicTable(
    name="incomes",
    description="One row per person at work.",
    columns=(
        IntegerColumn(name="age", minimum=17, maximum=90, description="Years."),
        CategoryColumn(name="sex", values=("female", "male")),
        CategoryColumn(name="education", values=tuple(_EDUCATION), description="Highest degree."),
        CategoryColumn(name="occupation", values=tuple(_OCCUPATIONS)),
        IntegerColumn(name="hours", minimum=1, maximum=99, description="Hours of work a week."),
        IntegerColumn(name="income", minimum=0, maximum=MOST_INCOME, description="Of a year."),
    ),
)

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def incomes(rows: int, seed: int) -> pa.Table:
    """Simulate people, each drawn alone.

    Args:
        rows: Number of people, >= 1.
        seed: The same seed makes the same table.

    Returns:
        Rows of `INCOMES`.

    Raises:
        ValueError: If there is to be nobody.
    """
    if rows < 1:
        raise ValueError(f"{rows} people: one at least can be made")
    generator = np.random.default_rng(seed)
    age = np.clip(np.rint(17 + 50 * generator.beta(1.6, 1.9, rows)), 17, 90).astype(np.int64)
    is_old = generator.random(rows) < 0.03
    age[is_old] = generator.integers(65, 91, int(is_old.sum()))
    is_male = generator.random(rows) < 0.53
    schooling, education = _schooling(age, generator)
    occupation = _occupation(schooling, is_male, generator)
    hours = _hours(occupation, is_male, age, generator)
    income = _income(age, schooling, occupation, is_male, hours, generator)
    sex = np.where(is_male, "male", "female")
    return pa.Table.from_arrays(
        [
            pa.array(age),
            pa.array(sex.tolist()),
            pa.array(np.array(list(_EDUCATION))[education].tolist()),
            pa.array(np.array(list(_OCCUPATIONS))[occupation].tolist()),
            pa.array(hours),
            pa.array(income),
        ],
        schema=INCOMES.arrow(),
    )


def _schooling(age: Whole, generator: np.random.Generator) -> tuple[Floats, Whole]:
    """Years of schooling, and the place of the degree that they came to."""
    years = np.array(list(_EDUCATION.values()))
    wanted = 14.4 - 0.03 * np.maximum(age - 35, 0) + generator.normal(0, 2.9, len(age))
    wanted = np.minimum(wanted, age - 4)
    degree = np.searchsorted(years, wanted, side="right") - 1
    degree = np.maximum(degree, 0)
    return years[degree].astype(np.float64), degree.astype(np.int64)


def _occupation(
    schooling: Floats, is_male: NDArray[np.bool_], generator: np.random.Generator
) -> Whole:
    usual, leaning, _, _ = np.array(list(_OCCUPATIONS.values())).T
    fit = -((schooling[:, None] - usual) ** 2) / 8 + leaning * np.where(is_male, 1, -1)[:, None]
    return np.asarray((fit + generator.gumbel(size=fit.shape)).argmax(axis=1), np.int64)


def _hours(
    occupation: Whole, is_male: NDArray[np.bool_], age: Whole, generator: np.random.Generator
) -> Whole:
    usual = np.array([hours for *_, hours in _OCCUPATIONS.values()])[occupation]
    shift = np.where(is_male, 1.5, -2.0) - 0.5 * np.maximum(age - 62, 0)
    wanted = usual + shift + generator.normal(0, 6, len(age))
    # two people of five work the 40 hours that are usual
    wanted = np.where((generator.random(len(age)) < 0.4) & (age < 65), 40, wanted)
    return np.asarray(np.clip(np.rint(wanted), 1, 99), np.int64)


def _income(
    age: Whole,
    schooling: Floats,
    occupation: Whole,
    is_male: NDArray[np.bool_],
    hours: Whole,
    generator: np.random.Generator,
) -> Whole:
    experience = np.maximum(age - schooling - 6, 0)
    premium = np.array([wage for _, _, wage, _ in _OCCUPATIONS.values()])[occupation]
    logarithm = (
        1.3
        + 0.085 * schooling
        + 0.035 * experience
        - 0.0006 * experience**2
        + premium
        + 0.12 * is_male
        + generator.normal(0, 0.35, len(age))
    )
    income = np.exp(logarithm) * hours * 50
    return np.asarray(np.clip(np.rint(income / 100) * 100, 0, MOST_INCOME), np.int64)
