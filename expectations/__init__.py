"""Great Expectations suites, made from the table declarations."""

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when Great Expectations is first imported
