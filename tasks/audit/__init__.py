"""Attacks on our own mechanisms, models and releases, and what they prove about the guarantee."""
