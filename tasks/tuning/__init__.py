"""The search over settings of a synthesizer, on days that are nobody's or published already.

    check(search, layout)                       nothing private, and the noise can be had
    for stage in range(len(search.stages)):
        for trial in proposed(search, stage, layout):
            try_out(search, trial, layout)      leaves a record; no run is repeated that has one
    conclude(search, layout)                    table, page, the winner as a region's file has it

It judges by `tasks.quality`, so nothing that makes a release may import it.
"""
