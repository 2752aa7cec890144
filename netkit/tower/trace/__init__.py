"""The trace: one message followed through the tower.

=========  ======================================================================
model      what a trace is, and its JSON
record     every call of a process, by ``sys.monitoring`` or ``sys.setprofile``
steps      which of them are steps, of which tier, and in which words
stories    what the client does: connect, send a line, flood, stop reading, ...
run        one story on one layer and loop: a server in a process of its own
text       the steps on a terminal, one trace or several side by side
page       the same as one page of HTML
=========  ======================================================================

``python -m netkit.tower.trace`` is that server: a real one, on a real loop, with nothing of asyncio patched.
"""
