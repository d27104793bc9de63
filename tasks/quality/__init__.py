"""How close synthetic rows come to real ones: private numbers, for method choice and staff.

Everything here looks at real rows, so every figure is private, and none may decide what is
published or appear in what is published (rule 9 of the privacy design). Nothing on the release's
path may import this package; `tests/tasks/quality/test_stays_private.py` follows the imports of
every flow and step and fails when one arrives here. Whoever quotes a figure does so for data that
are public anyway: simulated cities, published tables.

Of any table: `columns`, `fields`, `trends`, `components`, `adherence`, a `score` of columns and
pairs, and the `report` that sets each beside its `references`; `page` shows it. All else is of
trips and takes tables with the columns of `tasks.schema.RELEASE`; `distance_m` and `area` may be
missing where a metric does not name them, since distances are computed from the ends.
"""
