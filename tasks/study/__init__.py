"""The comparison study: ordinary, overfitted and private training on one table, side by side.

    for run in planned(study, layout):
        make(study, run, layout)      leaves a record; no run is repeated that has one
    sum_up(study, layout)             one table, one page

All of it looks at the rows, so nothing of it is published; and its filters compare generated rows
with real ones, which no release may do (rule 8). So nothing that makes a release may import it.
"""
