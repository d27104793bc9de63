"""What can go wrong in the privacy core; every text is one line for a person."""

from tasks import OpentripsError


class PrivacyError(OpentripsError):
    """A rule of the privacy core would be broken; nothing private has been released."""


class TargetUnreachableError(PrivacyError):
    """No noise multiplier in the supported range meets the guarantee."""


class AccountingError(PrivacyError):
    """The two accountants disagree, or a mechanism costs more than it was charged for."""


class BudgetExceededError(AccountingError):
    """An event would cost more than is left of the budget."""


class LedgerError(PrivacyError):
    """The ledger refused: the account is spent, the lease is lost, or the file is unusable."""


class CapExceededError(LedgerError):
    """A further charge would take an account over its cap."""


class LeaseLostError(LedgerError):
    """Another run has taken over the charge; this one may not write any more."""


class StepsSpentError(LedgerError):
    """The charge has no steps left, reserve included."""
