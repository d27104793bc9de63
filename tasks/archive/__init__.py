"""The archive: what stands over all releases, and what checks one from the outside."""
