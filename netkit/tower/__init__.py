"""The tower of asyncio: nine tiers, what each gives, and where netkit stands on it.

========  ==========================================================================
tier      what a tier is, as data
ground    tiers 1 to 6: what runs, and what it waits for
network   tiers 7 to 9: what connects
tiers     the nine of them, and how one is found
places    where in the source a tier is used; the lines are looked up, never typed in
samples   the example of each tier
show      the tower as text
picture   the tower as SVG
========  ==========================================================================

Nothing here imports asyncio, apart from ``trace``: the tower is read, and only what it tells of is run.
"""
