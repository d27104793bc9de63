"""Tune: search the settings of a synthesizer, on days that are nobody's or published already."""

from typing import Any

from prefect import flow

from tasks.conclude import conclude
from tasks.propose import propose
from tasks.search import Search
from tasks.try_out import try_all


@flow(name="tune", flow_run_name="tune-{search.name}")
def tune(search: Search) -> dict[str, Any]:
    """Try settings, stage by stage; run it again and it goes on where it stopped.

    Args:
        search: What is searched, on which days, and how it is judged.

    Returns:
        `page`: path of the search's page; `winner`: what was chosen, as a region's file has it.

    Raises:
        OpentripsError: If the search's days are not public, no noise reaches an epsilon of it, a
            run failed, or nothing is valid.
    """
    for stage in range(len(search.stages)):
        trials = propose(search, stage)
        try_all(search, trials)
    return conclude(search)
