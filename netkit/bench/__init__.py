"""The bench: which layer and which loop, with an answer that holds.

A *scenario* is data: what is sent, how, over how many connections. An *arm* is a server to measure. A *round* starts
every arm afresh, in random order, and gives one *sample* for each. From the samples of some rounds come figures with
intervals, ratios to the *baseline* arm, and the verdict, which may be that no difference could be told.

=============  =====================================================================
scenario       what can be measured, read from TOML
arms           the servers that are held against each other
machine        where it is measured, which cores are used, and how fast they are now
process        readings of a server's processes: CPU clock, memory, switches, waiting
counters       instructions, where the machine counts them
serving        a server process from start to end, and a guard that outlives us
load           the other side, a process of its own
rounds         one cell: a fresh server, a fresh load, one sample
run            the rounds of a run, what spoils one, and what is kept
results        what was measured, as a file
stats          intervals, exact tests, and their correction for many comparisons
limits         whose limit a cell shows: the server's, the load's or nobody's
summary        figures, ratios and differences, computed from a file's raw values
verdict        the same in sentences
numbers        figures as people read them
compare        two files held against each other
exports        the same values for HdrHistogram's tools and for pyperf
table          the end of a run on a terminal
report         a page of charts, a picture, or Markdown
live           what a person sees while it runs
=============  =====================================================================

Servers are met only as processes, over a socket.
"""
