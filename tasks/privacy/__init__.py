"""The privacy core: mechanisms that account for themselves, secret noise, the ledger."""
