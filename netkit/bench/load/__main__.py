"""The load as a process: a line of JSON for each order, and one for each answer.

It says ``ready``, gets a job, warms up and answers. Then it measures for a slice whenever it is told to, and at last
gives the outcome of those slices that shall be kept. What a server did wrong is an answer too, and the last one.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ...errors import NetkitError
from ..machine import pin
from ..scenario import Workload
from . import check
from .connect import Broken, Place, Unable
from .ring import Ring
from .window import Measurement, Window


def measurement(job: dict[str, Any]) -> Measurement:
    """What a job asks for, connected and ready to warm up.

    Args:
        job: ``workload``; ``host``, ``port`` and ``pid`` of the server, which is null where it is not known; ``ca``, a
            PEM file; ``core`` of the server, ``load_core`` of ours, and ``seed``.

    Raises:
        Broken: the server did something wrong.
        Unable: this side could not do its part.
    """
    workload = Workload.from_dict(job["workload"])
    place = Place(job["host"], job["port"], job["ca"])
    check.check(workload, place, caseless=job["caseless"])
    window = Window(job["pid"], job["core"])
    # For tests of the verdict on a load that is too weak.
    handicap = int(os.environ.get("NETKIT_BENCH_HANDICAP", "0"))
    # Each kind loads what it needs and no more.
    match workload.kind:
        case "closed":
            from . import closed

            return closed.Measurement(workload, place, Ring(workload.size, job["seed"]), window, handicap)
        case "open":
            from . import paced

            return paced.Measurement(workload, place, Ring(workload.size, job["seed"]), window, job["seed"])
        case "chat" | "stalled":
            from . import lines

            kind = lines.Stalled if workload.kind == "stalled" else lines.Measurement
            return kind(workload, place, window)
        case "churn":
            from . import churn

            return churn.Measurement(workload, place, Ring(workload.size, job["seed"]), window)
        case "idle":
            from . import idle

            return idle.Measurement(workload, place, window)
        case _:
            from . import capacity

            return capacity.Measurement(workload, place, Ring(workload.size, job["seed"]), window, job["seed"])


def obey(orders: Iterator[str]) -> None:
    """Warm up for the job of the first line, then do what the others say, and answer each."""
    job = json.loads(next(orders))
    pin(job["load_core"])
    gc.disable()  # a collection in the middle of a slice would be in its latencies; nothing here makes cycles
    measuring = measurement(job)
    measuring.warm()
    _say({})
    for line in orders:
        order = json.loads(line)
        if "keep" in order:
            made = measuring.outcome(order["keep"])
            measuring.close()
            _say(asdict(made))
            return
        measuring.slice(order["slice"])
        _say({})


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Wait for the job."""
    _say("ready")
    try:
        obey(iter(sys.stdin.readline, ""))
    except StopIteration:
        return  # nobody has a job for us
    except Broken as broken:
        _say({"failed": str(broken)})
    except (Unable, NetkitError) as unable:
        _say({"unable": str(unable)})
    except ProcessLookupError:
        _say({"failed": "it ended while it was measured"})


if __name__ == "__main__":
    main()
