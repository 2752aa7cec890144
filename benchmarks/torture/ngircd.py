"""Becomes ngircd on a port of loopback, with bounds that let a crowd from one address in.

usage: ngircd.py PORT
"""

from __future__ import annotations

import os
import sys

CONFIGURATION = """\
[Global]
Name = irc.example.net
Info = ngircd to be tried
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = "welcome"
ServerGID = nogroup
ServerUID = nobody
[Limits]
MaxConnections = 1000
MaxConnectionsIP = 0
MaxJoins = 10
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
"""

if __name__ == "__main__":
    # A file in memory alone, which goes with the process (memfd_create(2), Linux).
    file = os.memfd_create("ngircd.conf", 0)
    os.write(file, CONFIGURATION.format(port=int(sys.argv[1])).encode())
    os.execvp("ngircd", ["ngircd", "--nodaemon", "--config", f"/proc/self/fd/{file}"])
