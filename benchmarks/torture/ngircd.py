"""Becomes ngircd on a port of loopback, with bounds that let a crowd from one address in.

usage: ngircd.py PORT
"""

from __future__ import annotations

import os
import sys
import tempfile

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
    # Left behind for ngircd, which reads it again on a SIGHUP; it is as large as it looks.
    with tempfile.NamedTemporaryFile("w", prefix="ngircd-", suffix=".conf", delete=False) as file:
        file.write(CONFIGURATION.format(port=int(sys.argv[1])))
    os.chmod(file.name, 0o644)
    os.execvp("ngircd", ["ngircd", "--nodaemon", "--config", file.name])
