"""The same three for UDP: a socket that is connected to one peer, so that nobody else is heard.

===========  ====  ====================================================================================
transports   7     a socket connected by hand, its transport in the hand; a shim passes on
protocols    8     callbacks on one object: ``datagram_received``, ``error_received``, ``pause_writing``
streams      9     netkit's own stream: ``await anext(stream)``, ``await stream.send()``
===========  ====  ====================================================================================

UDP has no end: ``finish`` tells the peer nothing, and ``receive`` never returns None. What arrives while ``QUEUE``
datagrams wait for a slow reader is dropped, as the kernel does: nothing on the way could stop the peer. An error that
the network reports, such as a port on which nobody listens, breaks the connection.
"""
