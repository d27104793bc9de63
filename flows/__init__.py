"""One file per Prefect flow, and the command line behind the console script `opentrips`."""
