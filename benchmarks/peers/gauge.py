"""What every client measures itself with; of the standard library alone, for it runs beside any peer.

A client is run as ``python client_x.py PORT KIND --warm W --count N``. It hands every message to user code of the
shape that its documentation shows, which counts it. From the last of the first ``W`` messages to the last of the ``N``
that follow the process's own time is taken, all its threads and the kernel's work for it included.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import NoReturn


@dataclass
class Job:
    """What a client is asked to do."""

    port: int
    kind: str
    warm: int
    count: int
    way: str
    subscribers: int

    @property
    def total(self) -> int:
        """Return how many messages will come."""
        return self.warm + self.count

    @property
    def http(self) -> str:
        """Return where the loopback's REST is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Return where its streams are."""
        return f"ws://127.0.0.1:{self.port}"


def read_job() -> Job:
    """Read what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("kind")
    parser.add_argument("--warm", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--way", default="")
    parser.add_argument("--subscribers", type=int, default=1)
    return Job(**vars(parser.parse_args()))


class Gauge:
    """Takes the time between two counts.

    User code keeps a count of its own and calls ``mark`` when it has got to the number that the last call returned,
    at first to ``next``: so the gauge costs nothing in between.
    """

    def __init__(self, job: Job, version: str) -> None:
        self._job = job
        self._version = version
        self._started: float | None = None
        self.next = job.warm
        self.last = job.total

    def mark(self) -> int:
        """Take the time; at the second call, tell it and end the process, for nothing after it matters."""
        now = time.process_time()
        if self._started is None:
            self._started = now
            return self.last
        taken = (now - self._started) / self._job.count * 1e6
        return self._tell({"us": taken, "version": self._version, "python": ".".join(map(str, sys.version_info[:3]))})

    def fail(self, why: object) -> NoReturn:
        """Tell that it could not be measured, and end the process."""
        self._tell({"failed": str(why)})

    @staticmethod
    def _tell(result: dict[str, object]) -> NoReturn:
        print(json.dumps(result), flush=True)
        os._exit(0)
