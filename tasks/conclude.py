"""The Prefect task `conclude`: what a search has found, as files and as a table."""

from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from tasks.files import Layout
from tasks.search import Search, SearchError
from tasks.step import step


@step("conclude-{search.name}")
def conclude(search: Search) -> dict[str, Any]:
    """Write table, page and winner, and make an artifact of all candidates.

    Args:
        search: The search; all its runs have finished.

    Returns:
        `page`: path of the page; `winner`: what was chosen, as a region's file has it.

    Raises:
        SearchError: If nothing was chosen, or the record of a run is missing; in the first case
            the page is written.
        FileError: If a record cannot be read.
    """
    from tasks.tuning.results import conclude as write

    found = write(search, Layout.from_environment())
    said = f"candidates: {len(found.rows)}, runs rejected early: {len(found.rejected)}"
    get_run_logger().info("Search %s; %s", search.name, said)
    create_table_artifact(
        key=f"search-{search.name}".replace("_", "-"),
        table=found.rows,
        description=f"Search {search.name}; {said}. Page: {found.page}",
    )
    if found.winner is None:
        raise SearchError(
            f"search {search.name}: a stage left nothing whose rows are valid; search elsewhere, "
            f"or lower least_valid; see {found.page}"
        )
    return {"page": str(found.page), "winner": found.winner}
