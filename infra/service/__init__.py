"""One machine: a Prefect server, its workers and the demo's feed as one supervised group."""
