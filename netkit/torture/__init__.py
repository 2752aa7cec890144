"""Faults tried on a server that runs, and a verdict on each.

The words:

- a ``Fault`` is one thing that goes wrong on a public port: what is done, why, where it was seen, and what must hold;
- a ``Trial`` is one fault tried once: it opens ``Peer`` connections, does its worst, and says what was seen;
- a ``Profile`` tells how one talks to a service: echo, netkit's chat, a plain line broadcast, IRC;
- the bystanders are healthy clients in a process of their own, who talk meanwhile and count;
- the ``Subject`` is the server's process, where it is known: it must come to rest, and give back what it took;
- a ``Verdict`` is what came of it all.

The server is met over its socket, and as a process. Nothing of what serves is imported here.
"""
