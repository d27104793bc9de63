"""The steps of the pipeline, one file per Prefect task, and the engines they call as folders."""


class OpentripsError(Exception):
    """Base of every exception this project raises on purpose.

    Its text is one line for a person: what is wrong, where, and what to do. The command line
    prints that line and nothing else.
    """
