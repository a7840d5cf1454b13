"""What exact entropy parameters cost in bits, on real frames.

    python tools/measure_exactness.py CLIP... [--frames 3] [--qualities 0,32,63] [--size 640x384]

Codes the first frames of each clip (cut to a size) with the default model, an I-frame and P-frames after it. For each latent:

    path    the exact integer scale path against the float one: same symbols, same grid of scales
    grid    the nearest scale of the grid against the scale itself: same symbols
    coded   the tables as they are (14 bits, escapes, certain rows) against Gaussians of exactly the float scale

Then the bytes that the entropy coder really writes for all latents, y and z, against the entropy of the same symbols estimated with the
float scales. Last, for each standard deviation under which a symbol may count as certain: share of coded symbols, bits and PSNR.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import torch
from torch import Tensor

from streamcodec.codec.channel import EncoderChannel
from streamcodec.codec.counting import CountingChannel
from streamcodec.entropy import Tables
from streamcodec.models import CompressionModel, ImageModel, InterModel, load_checkpoint
from streamcodec.models.entropy_models import GaussianConditional
from streamcodec.models.latent import settle
from streamcodec.models.quarter import QuarterHyperprior
from streamcodec.types import QUALITIES

WEIGHTS = Path(__file__).parents[1] / "streamcodec" / "weights"
THRESHOLDS = (0.11, 0.13, 0.15, 0.17, 0.2, 0.25, 0.3)
MIN_LIKELIHOOD = 1e-9


@dataclass
class Costs:
    """Of one latent y, over all frames: symbols, how many of them got another index than by the float path, bits by kind of Gaussian."""

    symbols: int = 0
    moved: int = 0
    bits: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def line(self, name: str) -> str:
        exact, grid, path, coded = (self.bits[kind] for kind in ("exact", "grid", "path", "coded"))
        return (
            f"{name:28s} {self.symbols:9d} symbols {exact / self.symbols:7.4f} bit each  index moved {self.moved / self.symbols:8.3%}"
            f"  path {path / grid - 1:+9.4%}  grid {grid / exact - 1:+9.4%}  coded {coded / exact - 1:+9.4%}"
        )


class Probe:
    """A channel that sees what a model codes, and compares every latent y with the float path at its end."""

    def __init__(self, model: CompressionModel, costs: dict[str, Costs], prefix: str) -> None:
        self.tables, self.costs, self.total, self.prefix = model.tables(), costs, CountingChannel(model.tables()), prefix
        self.latents = [(name, part) for name, part in model.named_modules() if isinstance(part, QuarterHyperprior)]
        self.encoder = EncoderChannel(Tables(self.tables.quantized_cdf, self.tables.cdf_length, self.tables.offset))
        self.inputs: list[Tensor] = []
        self.calls: list[tuple[Tensor, Tensor, float]] = []
        self.hooks = [part.h_a.register_forward_pre_hook(lambda _, inputs: self.inputs.append(inputs[0])) for _, part in self.latents]

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        channel = CountingChannel(self.tables)
        coded = channel.code(symbols, indexes)
        self.calls.append((coded, indexes, channel.bits))
        return self.encoder.code(self.total.code(coded, indexes), indexes)

    def finish(self) -> None:
        for hook in self.hooks:
            hook.remove()
        for (name, latent), y, z_call, y_call in zip(self.latents, self.inputs, self.calls[::2], self.calls[1::2], strict=True):
            compare(latent, y, z_call[0], y_call[1], y_call[2], self.costs[f"{self.prefix} {name}"])


def compare(latent: QuarterHyperprior, y: Tensor, z_symbols: Tensor, indexes: Tensor, coded_bits: float, costs: Costs) -> None:
    """Add one latent y (1, M, h, w), gained: its symbols under Gaussians of the float scales, of their grid, and of the indexes used."""
    z_hat = z_symbols + latent.entropy_bottleneck.medians()
    means, scales = latent.gaussians(z_hat, (y.shape[-2], y.shape[-1]))
    grid = latent.gaussian_conditional.scale_table.double()
    scales = scales.double().clamp(min=grid[0].item())
    nearest = torch.bucketize(scales, (grid[1:] * grid[:-1]).sqrt(), right=True)
    symbols = (y - means).round().double()
    costs.symbols += symbols.numel()
    costs.moved += int((nearest != indexes).sum())
    for kind, used in {"exact": scales, "grid": grid[nearest], "path": grid[indexes.long()]}.items():
        costs.bits[kind] += gaussian_bits(symbols, used)
    costs.bits["sent"] += gaussian_bits(settle(symbols, indexes, latent.gaussian_conditional), scales)
    costs.bits["coded"] += coded_bits


def gaussian_bits(symbols: Tensor, scales: Tensor) -> float:
    distance, per_scale = symbols.abs(), 2**-0.5 / scales
    mass = 0.5 * (torch.erfc((distance - 0.5) * per_scale) - torch.erfc((distance + 0.5) * per_scale))
    return -mass.clamp(min=MIN_LIKELIHOOD).log2().sum().item()


def read_frames(path: Path, count: int, size: tuple[int, int]) -> list[Tensor]:
    """The first frames, (1, 3, H, W) float in [0, 1], the middle of each of at most `size` = (width, height)."""
    frames = []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            x = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)[None].float() / 255
            height, width = (min(side, limit) // 16 * 16 for side, limit in zip(x.shape[2:], reversed(size), strict=True))
            top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
            frames.append(x[:, :, top : top + height, left : left + width].contiguous())
            if len(frames) == count:
                break
    return frames


@dataclass(frozen=True)
class Models:
    image: ImageModel
    flow: InterModel

    def code(self, frames: Sequence[Tensor], quality: int, costs: dict[str, Costs]) -> Iterator[tuple[float, float, float, int]]:
        """Bits by the tables, PSNR in dB, share of coded symbols, and bits that were written, of each frame."""
        q, reference = quality * (self.image.gain_rows - 1) / (QUALITIES - 1), None
        for x in frames:
            if reference is None:
                probe = Probe(self.image, costs, f"q{quality:02d} I")
                x_hat = self.image.code(x, (x.shape[2], x.shape[3]), q, probe)
            else:
                probe = Probe(self.flow, costs, f"q{quality:02d} P")
                x_hat = self.flow.code(x, reference, q, probe)
            probe.finish()
            reference = (x_hat.clamp(0, 1) * 255).round() / 255
            psnr_db = -10 * (reference - x).square().mean().log10().item()
            yield probe.total.bits, psnr_db, probe.total.coded / probe.total.symbols, 8 * len(probe.encoder.finish())

    def skip_below(self, threshold: float) -> None:
        for model in (self.image, self.flow):
            for part in model.modules():
                if isinstance(part, GaussianConditional):
                    part.skip_below = threshold
                    part.update_scale_table(force=True)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--qualities", default="0,32,63")
    parser.add_argument("--size", default="640x384")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of quarter-image and quarter-flow")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    clips = [read_frames(clip, arguments.frames, (width, height)) for clip in arguments.clips]
    image, flow = (load_checkpoint(arguments.weights / f"quarter-{part}.safetensors").model for part in ("image", "flow"))
    models = Models(image, flow)  # type: ignore[arg-type]
    base: tuple[float, float] | None = None
    for threshold in (None, *THRESHOLDS):
        if threshold is not None:
            models.skip_below(threshold)
        costs: dict[str, Costs] = defaultdict(Costs)
        rows = [row for quality in map(int, arguments.qualities.split(",")) for clip in clips for row in models.code(clip, quality, costs)]
        bits, psnr_db, share = sum(row[0] for row in rows), *(sum(row[i] for row in rows) / len(rows) for i in (1, 2))
        if threshold is None:
            total = Costs(*(sum(getattr(cost, name) for cost in costs.values()) for name in ("symbols", "moved")))
            for kind in ("exact", "grid", "path", "sent", "coded"):
                total.bits[kind] = sum(cost.bits[kind] for cost in costs.values())
            print(*(cost.line(name) for name, cost in sorted(costs.items())), total.line("all"), sep="\n")
            estimated, written = bits - total.bits["coded"] + total.bits["sent"], sum(row[3] for row in rows)
            print(f"written {written // 8} bytes in {len(rows)} frames, estimated {estimated / 8:.0f}: {written / estimated - 1:+.3%}")
            continue
        base = base or (bits, psnr_db)
        change = f"bits {bits / base[0] - 1:+8.3%}  PSNR {psnr_db - base[1]:+7.4f} dB"
        print(f"certain below {threshold:.2f}: {share:6.1%} coded, {bits:10.0f} bits, {psnr_db:7.4f} dB   {change}")


if __name__ == "__main__":
    main()
