#!/usr/bin/env python3
"""Streams and pictures by every instruction set and number of threads, as a table of what is the same.

    python tools/trials/machine_matrix.py                        # all cases, threads 1 2 4 5
    python tools/trials/machine_matrix.py --cases gop --threads 1 4

Each cell is a process of its own, with STREAMCODEC_SIMD and STREAMCODEC_VNNI set: it codes a case by
the default codec, decodes it, and hashes the bytes of the stream and the pixels of all frames. `same`
is said of a cell whose hashes are those of the first cell of its case.

    usual      12 frames of 326x182, three GOPs
    gop        300 frames of 80x64 in one GOP
    picture    3 frames of 4096x2176 in one GOP
    torch      frames of `usual`, decoded by the default models in PyTorch on the CPU: pixels
    zoo        the golden stream of the published models, decoded; the same pictures coded: symbols
"""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import streamcodec
from streamcodec import _native
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.runtime import set_threads
from streamcodec.types import Planes

GOLDEN = Path(__file__).parents[2] / "tests" / "codec" / "golden"
SIZES = {"usual": (182, 326, 12, 4), "gop": (64, 80, 300, 300), "picture": (2176, 4096, 3, 3)}
"""Case -> height, width, frames, GOP length."""
CASES = (*SIZES, "torch", "zoo")
LOOPS = {
    "scalar": ("scalar", "0"),
    "AVX2": ("avx2", "0"),
    "AVX2, AVX-VNNI": ("avx2", "1"),
    "AVX-512": ("avx512", "0"),
    "AVX-512, VNNI": ("avx512", "1"),
    "NEON": ("neon", "0"),
}
"""Row of the table -> STREAMCODEC_SIMD, STREAMCODEC_VNNI."""


def loops_here() -> list[str]:
    """Rows that this CPU can run."""
    sets, loops = _native.instruction_sets(), _native.network_kernels()
    needs = {"AVX2, AVX-VNNI": "avxvnni", "AVX-512, VNNI": "avx512vnni"}
    return [
        row for row, (name, _) in LOOPS.items() if name in sets and needs.get(row, name) in loops
    ]


def frames_of(case: str) -> Iterator[NDArray[np.uint8]]:
    """(3, H, W) each: smooth noise that moves, with some that does not."""
    height, width, count, _ = SIZES[case]
    rng = np.random.default_rng(11)
    coarse = rng.integers(0, 224, (3, height // 16 + 2, width // 16 + 2), np.uint8)
    far = coarse.repeat(16, 1).repeat(16, 2)
    near = rng.integers(0, 24, (3, height, width), np.uint8)
    for t in range(count):
        yield np.roll(far, (t % 7, 2 * t % 33), (1, 2))[:, :height, :width] + near


def encoded(case: str) -> bytes:
    out = io.BytesIO()
    gop = SIZES[case][3]
    streamcodec.encode(frames_of(case), out, gop=gop, scenecut=0, quality=30, preset="fast")
    return out.getvalue()


def hash_of(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def pixels_of(frames: Iterable[Planes]) -> str:
    return hash_of(plane.tobytes() for planes in frames for plane in planes)


def payloads_by_gop(data: bytes) -> list[list[bytes]]:
    packets = [packet for packet in Reader(io.BytesIO(data)) if isinstance(packet, Packet)]
    frames = [packet for packet in packets if packet.type == PacketType.FRAME]
    return [
        [packet.payload for packet in gop] for _, gop in groupby(frames, lambda packet: packet.gop)
    ]


def by_torch(data: bytes) -> list[Planes]:
    """The frames of a stream of the default models, decoded in PyTorch on the CPU."""
    from streamcodec.codec.dct_torch import TorchModel
    from streamcodec.codec.dct_weights import load_dct_weights
    from streamcodec.codec.model import Reference, Running
    from streamcodec.weights import PACKAGED

    models = []
    for kind in ("intra", "inter"):
        weights = load_dct_weights(PACKAGED / f"dct-{kind}.safetensors")
        models.append(TorchModel(kind, weights, "cpu"))
    height, width, *_ = SIZES["usual"]
    frames = []
    for payloads in payloads_by_gop(data):
        reference: Reference | None = None
        for number, payload in enumerate(payloads):
            model = models[min(number, 1)]
            reference = model.decode(payload, (height, width), reference, Running())
            frames.append(reference.planes())
    return frames


def symbols_of_zoo() -> dict[str, str]:
    """Symbols that are read of the golden stream, and that its pictures are coded to."""
    import torch

    from streamcodec.codec.channel import DecoderChannel, EncoderChannel

    symbols: dict[str, list[bytes]] = {}
    for side, channel in (("read", DecoderChannel), ("written", EncoderChannel)):
        code, record = channel.code, symbols.setdefault(side, [])

        def recorded(
            self: object,
            values: torch.Tensor | None,
            indexes: torch.Tensor,
            code: object = code,
            record: list[bytes] = record,
        ) -> torch.Tensor:
            found: torch.Tensor = code(self, values, indexes)  # type: ignore[operator]
            record.append(found.numpy().astype("<i4").tobytes())
            return found

        channel.code = recorded  # type: ignore[assignment]
    os.environ["STREAMCODEC_WEIGHTS"] = str(GOLDEN)
    codec = streamcodec.load_codec("golden-image", "golden-flow", device="cpu")
    clip = torch.from_numpy(np.load(GOLDEN / "v1.0-zoo.npy"))
    for payloads in payloads_by_gop((GOLDEN / "v1.0-zoo.ssf").read_bytes()):
        streamcodec.decode_gop(codec, payloads, (int(clip.shape[2]), int(clip.shape[3])))
    read = hash_of(symbols["read"])
    symbols["read"].clear()
    coded = streamcodec.encode_gop(codec, clip[:3], 63)
    streamcodec.decode_gop(codec, coded.payloads, (int(clip.shape[2]), int(clip.shape[3])))
    if hash_of(symbols["read"]) != hash_of(symbols["written"]):
        raise SystemExit("the symbols that are read are not those that were written")
    return {"symbols": read}


def cell(case: str, threads: int) -> dict[str, str]:
    """Hashes of one case, in this process."""
    set_threads(threads)
    if case == "zoo":
        return symbols_of_zoo()
    if case == "torch":
        data = encoded("usual")
        return {"pixels": pixels_of(by_torch(data)), "stream": hash_of([data])}
    data = encoded(case)
    return {
        "pixels": pixels_of(frame.planes for frame in streamcodec.open(data)),
        "stream": hash_of([data]),
    }


def measured(case: str, row: str, threads: int) -> dict[str, str]:
    """The same in a process of its own with these loops."""
    simd, vnni = LOOPS[row]
    done = subprocess.run(
        [sys.executable, __file__, "--cell", case, "--threads", str(threads)],
        env={**os.environ, "STREAMCODEC_SIMD": simd, "STREAMCODEC_VNNI": vnni},
        stdout=subprocess.PIPE,
        check=True,
    )
    hashes: dict[str, str] = json.loads(done.stdout)
    return hashes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 4, 5])
    parser.add_argument("--cell", choices=CASES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cell:
        print(json.dumps(cell(arguments.cell, arguments.threads[0])))
        return
    differ, first = 0, {}
    print(f"| case | loops | {' | '.join(f'{n} threads' for n in arguments.threads)} |")
    print("|---" * (2 + len(arguments.threads)) + "|", flush=True)
    for case in arguments.cases:
        for row in loops_here():
            cells = []
            for threads in arguments.threads:
                found = measured(case, row, threads)
                expected = first.setdefault("usual" if case == "torch" else case, found)
                cells.append("same" if found == expected else "DIFFERS")
            differ += cells.count("DIFFERS")
            print(f"| {case} | {row} | {' | '.join(cells)} |", flush=True)
    print()
    for case, found in first.items():
        print(f"{case}: " + ", ".join(f"{kind} {digest[:16]}" for kind, digest in found.items()))
    absent = [row for row in LOOPS if row not in loops_here()]
    print(f"not run, as this CPU has none: {', '.join(absent) or '-'}")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
