"""A job is the same on both sides of the channel, and what follows it is left for the loop."""

from __future__ import annotations

import socket

import pytest

from netkit.endpoints import Endpoint
from netkit.limits import Limits
from netkit.workers.channel import STOP, Job

JOB = Job(
    service="echo",
    layer="streams",
    loop="auto",
    limits=Limits(),
    listen=((Endpoint.parse("tcp://[::1]:8888"), 5), (Endpoint.parse("udp://127.0.0.1:7"), 6)),
)
FULL = Job(
    service="package.module:Café",
    layer="protocols",
    loop="uvloop",
    limits=Limits(idle=3, grace=0.5, connections=7),
    listen=((Endpoint.parse("tls://127.0.0.1:8889"), 7),),
    tls_cert="/a b/cert.pem",
    tls_key="/a b/key.pem",
    tls_pem="-----BEGIN\nEND-----\n",
)


@pytest.mark.parametrize("job", [JOB, FULL])
def test_a_job_arrives_as_it_was(job: Job) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(job.encode() + STOP)
        assert Job.read(theirs) == job
        assert theirs.recv(100) == STOP
