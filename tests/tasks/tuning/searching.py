"""A search without Prefect in a process of its own, so that it can be killed: run with -m."""

import sys
from pathlib import Path

from tasks.files import Layout
from tasks.search import Search
from tasks.tuning.campaign import check, proposed
from tasks.tuning.run import try_out


def search_through(search: Search, layout: Layout) -> None:
    """Every run of every stage, one after the other; prints the key of each as it has ended."""
    check(search, layout)
    for stage in range(len(search.stages)):
        for trial in proposed(search, stage, layout):
            try_out(search, trial, layout)
            print(trial.key, flush=True)


if __name__ == "__main__":
    search_through(Search.model_validate_json(sys.argv[1]), Layout(Path(sys.argv[2])))
