"""Numbers for people: shares, lengths, durations, powers of ten."""

import math
from fractions import Fraction


def percent(share: float) -> str:
    """A share as a percentage that reads 100 % only if nothing is missing.

    Examples:
        >>> percent(1.0), percent(0.9999), percent(0.4123)
        ('100 %', '99.9 %', '41.2 %')
    """
    if share >= 1:
        return "100 %"
    return f"{math.floor(share * 1000) / 10:.1f} %"


def number(value: float | Fraction) -> str:
    """A number for people, with at most four significant digits.

    Examples:
        >>> number(1.0), number(0.666), number(6.53e-7), number(6.8231)
        ('1', '0.666', '6.53e-07', '6.823')
    """
    return f"{float(value):.4g}"


def size(length: int) -> str:
    """A file's length for people.

    Examples:
        >>> size(950), size(265_400), size(3_100_000)
        ('950 B', '265 kB', '3.1 MB')
    """
    if length < 1000:
        return f"{length} B"
    if length < 999_500:
        return f"{length / 1e3:.0f} kB"
    return f"{length / 1e6:.1f} MB"


def scientific(value: float) -> str:
    """A small number for people, with a true minus and a power of ten.

    Examples:
        >>> scientific(1e-6), scientific(0.0128)
        ('10⁻⁶', '0.0128')
        >>> scientific(6.53e-7).split()
        ['6.53', '\N{MULTIPLICATION SIGN}', '10⁻⁷']
    """
    if not 0 < value < 1e-3:
        return f"{value:.3g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    short = mantissa.rstrip("0").rstrip(".")
    return f"10{power}" if short == "1" else f"{short} \N{MULTIPLICATION SIGN} 10{power}"


def duration(seconds: float) -> str:
    """A length of time for people.

    Examples:
        >>> duration(45), duration(600), duration(9000)
        ('45 s', '10 min', '2 h 30 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def distance(metres: float) -> str:
    """A distance for people; a dash where there is none.

    Examples:
        >>> distance(250), distance(1000), distance(1234), distance(math.nan)
        ('250 m', '1 km', '1.23 km', '-')
        >>> distance(4_551_200)
        '4,551 km'
    """
    if math.isnan(metres):
        return "-"
    if metres >= 999_500:
        return f"{metres / 1000:,.0f} km"
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.3g} km"
