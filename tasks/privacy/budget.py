"""A budget: what one charge may cost, and what has been spent of it."""

import dp_accounting

from tasks.privacy.accountant import Epsilons, epsilons
from tasks.privacy.errors import BudgetExceededError

_TOLERANCE = 1e-9
"""Relative slack for decimal fractions without a binary form."""


class Budget:
    """An epsilon at a delta, spent event by event.

    Args:
        epsilon: What may be spent, > 0.
        delta: At this delta, over all events together.

    Examples:
        >>> budget = Budget(epsilon=1.0, delta=1e-6)
        >>> once = dp_accounting.GaussianDpEvent(6.0)
        >>> budget.can_spend(once), round(budget.spend(once).pld, 2)
        (True, 0.69)
        >>> budget.can_spend(dp_accounting.SelfComposedDpEvent(once, 2))
        False
    """

    def __init__(self, epsilon: float, delta: float) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self._spent: tuple[dp_accounting.DpEvent, ...] = ()

    @property
    def spent(self) -> dp_accounting.DpEvent:
        """The composition of all events spent so far."""
        return dp_accounting.ComposedDpEvent(list(self._spent))

    def can_spend(self, event: dp_accounting.DpEvent) -> bool:
        """Whether `spend` would succeed: the same code, with nothing kept.

        Raises:
            AccountingError: If the accountants do not know the event.
        """
        try:
            self._cost_with(event)
        except BudgetExceededError:
            return False
        return True

    def spend(self, event: dp_accounting.DpEvent) -> Epsilons:
        """Spend an event, before it runs.

        Returns:
            The cost of all events spent so far, this one included.

        Raises:
            BudgetExceededError: If it would exceed the budget; nothing is spent.
            AccountingError: If the accountants do not know the event.
        """
        cost = self._cost_with(event)
        self._spent += (event,)
        return cost

    def _cost_with(self, event: dp_accounting.DpEvent) -> Epsilons:
        together = dp_accounting.ComposedDpEvent([*self._spent, event])
        cost = epsilons(together, self.delta)
        if not cost.pld <= self.epsilon * (1 + _TOLERANCE):
            raise BudgetExceededError(
                f"the budget is epsilon {self.epsilon:g} at delta {self.delta:g}; with {event} "
                f"after {len(self._spent)} other events it would be epsilon {cost.pld:.6g}"
            )
        return cost
