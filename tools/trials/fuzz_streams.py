#!/usr/bin/env python3
"""Mutated streams through everything that reads one.

    python tools/trials/fuzz_streams.py --seconds 60
    python tools/trials/fuzz_streams.py --seconds 86400 --mutants 100000 --keep found/

Half of the mutants get right checksums again, so that what lies behind them is reached. For each of
them: reading, index, random access, verify, repair, cut and concat give what is right or one error of
the tree, within --most-seconds and, over what the process held before, --most-megabytes. Mutants of
a coded stream are decoded too; without mended checksums each frame that comes must be one of the
source's, by number and pixels. A line of JSON at the end counts what was done; what goes wrong is kept in --keep.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from mutants import Seed, digest, mutated

import streamcodec
from streamcodec.container import Damage, Limits, Reader
from streamcodec.editing import concat, cut, repair
from streamcodec.errors import StreamCodecError
from streamcodec.runtime import set_threads

GOLDEN = Path(__file__).parents[2] / "tests" / "container" / "golden"
LIMITS = Limits(frames=1 << 16, concealed=2000)


def seeds() -> list[Seed]:
    """The golden streams of the container, and a small one of the default models."""
    rng = np.random.default_rng(3)
    still = rng.integers(0, 256, (3, 24, 40)).astype(np.uint8)
    out = io.BytesIO()
    streamcodec.encode(
        [np.roll(still, 2 * shift, 2) for shift in range(9)], out, gop=5, scenecut=0, preset="fast"
    )
    streams = [path.read_bytes() for path in sorted(GOLDEN.glob("*.ssf"))]
    return [Seed(out.getvalue(), decodes=True), *(Seed(data, decodes=False) for data in streams)]


def operations(
    data: bytes, seed: Seed, rng: random.Random, *, is_mended: bool
) -> Iterator[Callable[[], object]]:
    """What a user may do with the mutant."""
    seconds = rng.choice((0.0, 0.05, 1e9))
    yield lambda: list(Reader(io.BytesIO(data), limits=LIMITS))
    yield lambda: read_all(data)
    yield lambda: streamcodec.verify(data, decode=False, limits=LIMITS)
    yield lambda: repaired(data, rng)
    yield lambda: cut(data, io.BytesIO(), start_seconds=seconds, duration_seconds=0.1)
    yield lambda: concat([seed.data, data], io.BytesIO())
    if seed.frames is not None:
        yield lambda: decoded(data, None if is_mended else seed.frames, rng)


def read_all(data: bytes) -> None:
    """What is sound of it, and any GOP of its index."""
    reader = Reader(io.BytesIO(data), on_damage="skip", limits=LIMITS)
    for _ in reader:
        pass
    for entry in reader.index.entries[:50]:
        for _ in reader.packets(entry):
            pass


def repaired(data: bytes, rng: random.Random) -> None:
    """What repair writes is whole, and is repaired to itself."""
    out, again = io.BytesIO(), io.BytesIO()
    repair(data, out, limits=LIMITS)
    whole = out.getvalue()
    if any(isinstance(item, Damage) for item in Reader(io.BytesIO(whole), on_damage="skip")):
        raise AssertionError("repair wrote a damaged stream")
    if rng.random() < 0.2 and repair(whole, again).is_complete and again.getvalue() != whole:
        raise AssertionError("repair of a whole stream changed it")


def decoded(data: bytes, frames: dict[int, str] | None, rng: random.Random) -> None:
    """Straight and at random; every frame must be the source's, unless those are None."""
    on_damage = rng.choice(("raise", "skip", "conceal"))
    with streamcodec.open(data, on_damage=on_damage, limits=LIMITS) as video:
        for frame in video:
            check_frame(frame, frames)
        for _ in range(3):
            if len(video):
                check_frame(video[rng.randrange(len(video))], frames)


def check_frame(frame: streamcodec.Frame, frames: dict[int, str] | None) -> None:
    if frames is None:
        return
    found = digest(frame.planes)
    right = found in frames.values() if frame.concealed else found == frames.get(frame.index)
    if not right:
        raise AssertionError(f"frame {frame.index} is wrong")


class Fuzzer:
    """Counts, and keeps what is wrong."""

    def __init__(
        self, seed: int, keep: Path | None, most_seconds: float, most_megabytes: int
    ) -> None:
        self._rng = random.Random(seed)
        self._seeds = seeds()
        self._keep, self._most_seconds, self._most_kilobytes = (
            keep,
            most_seconds,
            1024 * most_megabytes,
        )
        self._memory = 0
        self.counts = {
            "mutants": 0, "mended": 0, "operations": 0, "frames_checked_in": 0, "errors": 0,
            "crashes": 0, "wrong": 0, "slow": 0, "large": 0,
        }  # fmt: skip
        self.slowest_seconds = 0.0

    def step(self) -> None:
        """One mutant."""
        coded, *others = self._seeds
        seed = coded if self._rng.random() < 0.4 else self._rng.choice(others)
        data, is_mended = mutated(seed, self._rng)
        self.counts["mutants"] += 1
        self.counts["mended"] += is_mended
        self.counts["frames_checked_in"] += not is_mended and seed.frames is not None
        self._memory = max(self._memory, peak_kilobytes())
        for operation in operations(data, seed, self._rng, is_mended=is_mended):
            self._perform(operation, data)

    def _perform(self, operation: Callable[[], object], data: bytes) -> None:
        self.counts["operations"] += 1
        started = time.process_time()
        try:
            operation()
        except StreamCodecError:
            self.counts["errors"] += 1
        except AssertionError:
            self._note("wrong", data)
        except Exception:  # what must not happen
            self._note("crashes", data)
        spent = time.process_time() - started
        self.slowest_seconds = max(self.slowest_seconds, spent)
        if spent > self._most_seconds:
            self._note("slow", data)
        if peak_kilobytes() > self._memory + self._most_kilobytes:
            self._memory = peak_kilobytes()
            self._note("large", data)

    def _note(self, kind: str, data: bytes) -> None:
        self.counts[kind] += 1
        print(kind, self.counts["mutants"], traceback.format_exc(), file=sys.stderr, flush=True)
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            (self._keep / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}.ssf").write_bytes(data)

    @property
    def failures(self) -> int:
        """Of all kinds."""
        return sum(self.counts[kind] for kind in ("crashes", "wrong", "slow", "large"))


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="Stop after this long.")
    parser.add_argument("--mutants", type=int, help="Stop after N mutants.")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--most-seconds", type=float, default=5, help="Of CPU, for one operation.")
    parser.add_argument(
        "--most-megabytes", type=int, default=64, help="More than before, for one mutant."
    )
    arguments = parser.parse_args()
    set_threads(1)  # pictures are too small to share out
    fuzzer = Fuzzer(
        arguments.seed, arguments.keep, arguments.most_seconds, arguments.most_megabytes
    )
    end = time.monotonic() + arguments.seconds
    with contextlib.suppress(KeyboardInterrupt):  # what was counted until then is printed
        while time.monotonic() < end and fuzzer.counts["mutants"] != arguments.mutants:
            fuzzer.step()
    print(
        json.dumps(
            {
                "seed": arguments.seed,
                **fuzzer.counts,
                "slowest_seconds": round(fuzzer.slowest_seconds, 3),
            }
        )
    )
    sys.exit(1 if fuzzer.failures else 0)


if __name__ == "__main__":
    main()
