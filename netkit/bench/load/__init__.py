"""The load: the other side of a server that is measured. A process of its own, on a core of its own.

Plain sockets and epoll; no asyncio, no threads, and nothing on the way of a message that can wait until the window is
over: samples go to arrays that were made before, and become histograms afterwards. Every byte that comes back is
compared. What a server does wrong ends the measurement with ``Broken``, and is its result.

=========  ===================================================================
closed     a message goes out when an answer has come in
paced      messages go out when they are due: an open loop
lines      the same for a chat: what some say, all must get
churn      connections come and go
idle       connections that are open, and what they weigh
capacity   paced or lines, again and again at different rates
=========  ===================================================================
"""
