#!/usr/bin/env python3
"""Trouble for a run on a simulated cluster: workers that are killed, a node that is removed; and what its object stores hold meanwhile."""

import json
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import ray
from ray._private.internal_api import node_stats

__all__ = ["Store", "Trouble", "events", "workers_of"]

PROBE_BYTES = 10_000_000
POLL_SECONDS = 1.0


def events(log: Path) -> list[dict[str, Any]]:
    """What a run's log says so far; a line that is being written is left out."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


def workers_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The workers that are alive as far as a log tells, each with the row that told that it is ready."""
    alive: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["event"] == "ready":
            alive[row["worker"]] = row
        elif row["event"] == "lost":
            alive.pop(row["worker"], None)
    return alive


class Store:
    """The object stores of all nodes: `peak_bytes` that lay in them at one time, when `look` was called, and `created_bytes`, all that were
    ever put there, whenever that was."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._created: dict[str, int] = {}
        self._before = 0

    def look(self) -> int:
        """Bytes that lie there now."""
        used = 0
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            try:
                stats = node_stats(
                    node["NodeManagerAddress"], node["NodeManagerPort"], include_memory_info=False
                ).store_stats
            except grpc.RpcError:  # it is about to go
                continue
            used += stats.object_store_bytes_used
            self._created[node["NodeID"]] = stats.cumulative_created_bytes
        self.peak_bytes = max(self.peak_bytes, used)
        return used

    def probe(self) -> None:
        """Put something there and see that it is seen; then begin to count. Raises RuntimeError."""
        self.look()
        before = sum(self._created.values())
        kept = ray.put(bytes(PROBE_BYTES))
        end = time.monotonic() + 10
        while self.look() < PROBE_BYTES or sum(self._created.values()) < before + PROBE_BYTES:
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{PROBE_BYTES} bytes were put into the object store; its figures do not show them"
                )
            time.sleep(0.2)
        del kept
        self.peak_bytes, self._before = 0, sum(self._created.values())

    @property
    def created_bytes(self) -> int:
        return sum(self._created.values()) - self._before


class Trouble(threading.Thread):
    """Kills a worker every `kill_every` seconds, removes a node after `remove_after` (0 = never), if it can one with a worker; watches
    Ray's object stores."""

    def __init__(
        self,
        cluster: Any,
        nodes: list[Any],
        log: Path,
        kill_every: float,
        remove_after: float,
        seed: int,
    ) -> None:
        super().__init__(daemon=True)
        self._cluster, self._nodes, self._log = cluster, nodes, log
        self._kill_every, self._remove_after = kill_every, remove_after
        self._random = random.Random(seed)
        self._first_row = 0
        self.over = threading.Event()
        self.store = Store()
        self.killed = self.removed = 0

    def forget_workers(self) -> None:
        """Those of a driver that was killed: they end by themselves, and their numbers may come to be others'."""
        self._first_row = len(events(self._log))

    def run(self) -> None:
        started = last = time.monotonic()
        while not self.over.wait(POLL_SECONDS):
            now = time.monotonic()
            self.store.look()
            if not events(self._log):
                started = last = now  # nobody is at work yet
            if self._kill_every and now - last >= self._kill_every:
                last = now
                self.killed += self._kill()
            if self._remove_after and not self.removed and now - started >= self._remove_after:
                self._cluster.remove_node(self._node(), allow_graceful=False)
                self.removed += 1

    def _workers(self) -> list[dict[str, Any]]:
        return list(workers_of(events(self._log)[self._first_row :]).values())

    def _kill(self) -> int:
        alive = self._workers()
        if not alive:
            return 0
        try:
            os.kill(self._random.choice(alive)["pid"], signal.SIGKILL)
        except ProcessLookupError:
            return 0
        return 1

    def _node(self) -> Any:
        busy = {row["node"] for row in self._workers()}
        return next((node for node in self._nodes if node.node_id in busy), self._nodes[-1])
