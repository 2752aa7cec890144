"""The trace: one message followed through the tower.

=========  ======================================================================
model      what a trace is, and its JSON
lanes      the nine tiers, and what is below and above them
record     every call of a process, by ``sys.monitoring`` or ``sys.setprofile``
turns      the calls of a loop, cut into what it calls
words      which calls are steps, of which tier, and in which words
steps      from calls to steps, and their counts
stories    what the client does: connect, send a line, flood, stop reading, ...
run        one story on one layer and loop: a server in a process of its own
text       the steps on a terminal, one trace or several side by side
page       the same as one page of HTML, with a drawing
=========  ======================================================================

``python -m netkit.tower.trace`` is that server: a real one, on a real loop, with nothing of asyncio patched.
"""
