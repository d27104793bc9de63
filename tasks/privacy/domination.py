"""Events that dominate exact discrete noise.

dp_accounting 0.4.3 has no event for the discrete Laplace or the discrete Gaussian, and its events
for the continuous namesakes would understate them. So a mechanism with discrete noise describes
itself by an event that provably dominates it: no divergence between two neighbouring days' outputs
is larger than between those of the event, before and after composition.

**Discrete Laplace.** With sensitivity 1 and scale t it is randomised response at e = 1 / t, which
dominates all mechanisms that are (e, 0)-differentially private (Kairouz, Oh and Viswanath 2015),
the continuous Laplace mechanism of scale t strictly. Randomised response has the hockey-stick
divergence (E - u^2) / (1 + E) at the level u^2, with E = exp(e) and 1 <= u^2 <= E; the continuous
mechanism of scale 1 / e' has 1 - u exp(-e' / 2) there. For e' = 2 log((1 + E) / 2) the latter
exceeds the former by (u - 1)^2 / (1 + E), which is never negative; levels below one follow by
symmetry. So `LaplaceDpEvent(1 / e')` dominates every (e, 0)-differentially private mechanism.

**Discrete Gaussian.** Draw y from the continuous Gaussian of variance sigma^2 - s^2 around an
integer, then an integer x with probability proportional to exp(-(x - y)^2 / (2 s^2)): x is the
discrete Gaussian of variance sigma^2 around that integer, but for the normalisation of the second
draw, which depends on y by a factor within 1 +- 2 exp(-2 pi^2 s^2) (by Poisson's summation
formula; C. Peikert 2010, "An Efficient and Parallel Gaussian Sampler for Lattices"). With s^2 = 2
that is 1.4e-17 for each cell that a record touches, less than the accountants round. So the
measurement is post-processing of a continuous one with variance sigma^2 - 2, for any number of
cells and any record: `GaussianDpEvent(sqrt(sigma^2 - 2) / sensitivity)`. Without the 2 the event
would understate deltas near 1e-6: at sigma = 2 by a fifth, at sigma = 10 by a hundredth.
"""

import math
from fractions import Fraction

import dp_accounting

from tasks.privacy.discrete_noise import check_size

LEAST_SIGMA = 2
SMOOTHING_VARIANCE = 2
"""What the variance of discrete Gaussian noise has more than that of the event; see above."""


def dominating_laplace(epsilon: float) -> dp_accounting.DpEvent:
    """The event for any mechanism that is (epsilon, 0)-differentially private, epsilon > 0.

    Examples:
        >>> round(1 / dominating_laplace(0.05).noise_multiplier, 6)
        0.050625
    """
    return dp_accounting.LaplaceDpEvent(1 / (2 * math.log1p(math.expm1(epsilon) / 2)))


def dominating_gaussian(sigma: Fraction, l2_sensitivity_squared: int) -> dp_accounting.DpEvent:
    """The event for discrete Gaussian noise on integers; see the module.

    Args:
        sigma: Parameter of the noise on every integer, >= 2.
        l2_sensitivity_squared: Square of the L2 norm of the largest change that one unit makes,
            over all integers together.

    Raises:
        ValueError: If sigma is under 2, or too large to be drawn.

    Examples:
        >>> round(dominating_gaussian(Fraction(20), 5).noise_multiplier, 4)
        8.9219
    """
    check_size(sigma)
    if sigma < LEAST_SIGMA:
        raise ValueError(f"sigma {sigma} is under {LEAST_SIGMA}")
    variance = float(sigma**2 - SMOOTHING_VARIANCE)
    return dp_accounting.GaussianDpEvent(math.sqrt(variance / l2_sensitivity_squared))
