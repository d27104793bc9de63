"""The comparison study: ordinary, overfitted and private training on one table, side by side.

    runs = planned(study)             its rows can be read, and the noise can be had
    for run in runs:
        make(study, run, layout)      leaves a record; no run is repeated that has one
    sum_up(study, runs, layout)       one table, one page

All of it looks at the rows, so nothing of it is published; and its filters compare generated rows
with real ones, which no release may do (rule 8). So nothing that makes a release may import it.
"""
