"""Great Expectations suites, made from the table declarations."""
