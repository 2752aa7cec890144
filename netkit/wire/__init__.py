"""Bytes in, values out: what a peer sends, before a service sees it.

``telnet`` takes telnet's commands out of a stream of bytes, and ``options`` negotiates for it; ``lines`` cuts
what is left into lines; ``text`` makes of a line what may reach a terminal.

``editor`` is for a telnet that sends each key instead of whole lines: of ``keys`` it makes the line that is
``typed``, with ``history`` and ``completion``, and says what to show.
"""
