"""The load as a process: says ``ready``, reads one job, and answers with one outcome, each as a line of JSON."""

from __future__ import annotations

import gc
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from ...errors import NetkitError
from ..machine import pin
from ..scenario import Workload
from . import check
from .connect import Broken, Place, Unable
from .ring import Ring
from .window import Outcome, Window


def work(job: dict[str, Any]) -> Outcome:
    """Do one job.

    Args:
        job: ``workload``; ``host``, ``port`` and ``pid`` of the server, which is null where it is not known; ``ca``, a
            PEM file; ``core`` of the server and ``seed``.

    Raises:
        Broken: the server did something wrong.
        Unable: this side could not do its part.
    """
    workload = Workload.from_dict(job["workload"])
    place = Place(job["host"], job["port"], job["ca"])
    check.check(workload, place)
    window = Window(job["pid"], job["core"])
    # For tests of the verdict on a load that is too weak.
    handicap = int(os.environ.get("NETKIT_BENCH_HANDICAP", "0"))
    match workload.kind:
        case "closed":
            from . import closed

            return closed.measure(workload, place, Ring(workload.size, job["seed"]), window, handicap)
        case "open":
            from . import paced

            return paced.measure(workload, place, Ring(workload.size, job["seed"]), window, job["seed"])
        case "chat" | "stalled":
            from . import lines

            return lines.measure(workload, place, window)
        case "churn":
            from . import churn

            return churn.measure(workload, place, Ring(workload.size, job["seed"]), window)
        case "idle":
            from . import idle

            return idle.measure(workload, place, window)
        case _:
            from . import capacity

            return capacity.measure(workload, place, Ring(workload.size, job["seed"]), window, job["seed"])


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Wait for the job, and answer."""
    _say("ready")
    line = sys.stdin.readline()
    if not line:
        return
    job = json.loads(line)
    pin(job["load_core"])
    gc.disable()  # a collection in the middle of a window would be in its latencies; nothing here makes cycles
    try:
        answer = asdict(work(job))
    except Broken as broken:
        answer = {"failed": str(broken)}
    except (Unable, NetkitError) as unable:
        answer = {"unable": str(unable)}
    except ProcessLookupError:
        answer = {"failed": "it ended while it was measured"}
    _say(answer)


if __name__ == "__main__":
    main()
