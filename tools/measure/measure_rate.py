#!/usr/bin/env python3
"""How near the search and the feedback come to a target, and what frames cost by quality.

    tools/measure/measure_rate.py CLIP ... [--width 320] [--frames 256] [--qualities 20 32 44]

Clips are scaled to --width. Targets are what constant qualities give: their PSNR, their bits per pixel, and their bit rate at 25
frames a second. Four tables in Markdown:

lines       log2 of a frame's bits per pixel, and of its mean squared error, as straight lines over the quality, through the means of
            each clip's I-frames and of its other frames at qualities 8, 24, 40 and 56: what stream/control/rate.py starts from
predictions predicted less real size and PSNR, and their mean magnitudes
search      reached less target, sampled frames, sample encodes
feedback    reached less target of the whole clip; bits of the first 32 frames beside what they may take; and what is gained or lost
            against the constant quality: PSNR at its bit rate, size at its PSNR
"""

import argparse
import io
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

import streamcodec
from streamcodec import EncodeOptions, Encoder, EncodeReport
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.stream.coding import coded
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoReader

RECORDED = (8, 24, 40, 56)
FRAME_RATE = 25
FIRST_FRAMES = 32


def shrink(source: Path, out: Path, width: int, frames: int) -> None:
    """The first frames of a clip, scaled, without loss, at FRAME_RATE."""
    with av.open(source) as clip, av.open(out, "w") as scaled:
        video = clip.streams.video[0]
        stream = scaled.add_stream("ffv1", rate=FRAME_RATE)
        stream.width, stream.pix_fmt = width, "yuv420p"
        stream.height = round(video.height * width / video.width / 2) * 2
        for number, frame in zip(range(frames), clip.decode(video), strict=False):
            small = frame.reformat(width, stream.height, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, FRAME_RATE)
            scaled.mux(stream.encode(small))
        scaled.mux(stream.encode(None))


def read(path: Path) -> tuple[VideoFormat, list[RawFrame]]:
    with VideoReader(path, frame_format="yuv420") as reader:
        return reader.format, list(reader)


def costs(
    video: VideoFormat, frames: Sequence[RawFrame], options: EncodeOptions
) -> Iterator[tuple[bool, int, float]]:
    """(whether it is an I-frame, bits of the payload, mean squared error) of each frame."""
    for step in coded(Encoder(video, options), frames, measure=True):
        if step.error is not None:
            [packet] = step.packets
            yield packet.key, 8 * len(packet.payload), step.error


def lines(path: Path) -> list[tuple[float, float]]:
    """(height, slope) of: bits per pixel of I-frames, of P-frames, error of I-frames, of P-frames."""
    video, frames = read(path)
    pixels = video.width * video.height
    points: list[list[float]] = [[] for _ in range(4)]
    for quality in RECORDED:
        options = EncodeOptions(quality=quality, scenecut=0, hash=False)
        recorded = list(costs(video, frames, options))
        for number, (column, is_key) in enumerate(((1, True), (1, False), (2, True), (2, False))):
            mean = np.mean([row[column] for row in recorded if row[0] == is_key])
            points[number].append(float(np.log2(mean / (pixels if column == 1 else 1))))
    fits = [np.polyfit(RECORDED, values, 1) for values in points]
    return [(float(height), float(slope)) for slope, height in fits]


def report_lines(clips: Sequence[Path]) -> None:
    print("\nlog2 of cost = height + slope * quality\n")
    print("| clip | bpp, I | bpp, P | error, I | error, P |\n|---|---|---|---|---|")
    rows = []
    for clip in clips:
        rows.append(lines(clip))
        print_line(clip.stem, rows[-1])
    print_line("mean", np.mean(rows, 0).tolist())


def print_line(name: str, fits: Sequence[Sequence[float]]) -> None:
    cells = [f"{height:+.2f} {slope:+.4f} q" for height, slope in fits]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def constant(clip: Path, quality: int) -> EncodeReport:
    return streamcodec.encode(clip, io.BytesIO(), quality=quality, psnr=True)


def report_predictions(clips: Sequence[Path], qualities: Sequence[int]) -> None:
    print("\nThe search's predictions, less what becomes of it\n")
    print("| clip | frames | sampled | size, % | PSNR, dB |\n|---|---|---|---|---|")
    errors: list[tuple[float, float]] = []
    for clip in clips:
        report = streamcodec.search(clip, qualities=qualities)
        of_clip = []
        for predicted in report.predictions:
            real = constant(clip, predicted.quality)
            assert real.psnr_db is not None
            size = 100 * (predicted.size_bytes / real.size_bytes - 1)
            of_clip.append((size, predicted.psnr_db - real.psnr_db))
        sizes = ", ".join(f"{size:+.1f}" for size, _ in of_clip)
        decibels = ", ".join(f"{db:+.2f}" for _, db in of_clip)
        sampled = report.sampled_frames
        print(f"| {clip.stem} | {real.frames} | {sampled} | {sizes} | {decibels} |", flush=True)
        errors += of_clip
    print_magnitudes(errors)


def print_magnitudes(errors: Sequence[tuple[float, float]]) -> None:
    """Of errors in percent and in dB."""
    percents, decibels = np.abs(errors).mean(0)
    print(f"\nMean magnitude: {decibels:.2f} dB, {percents:.1f} %")


def report_search(clips: Sequence[Path], qualities: Sequence[int]) -> None:
    print("\nThe search, reached less target\n")
    print(
        "| clip | frames | sampled | PSNR, dB | bpp, % | sample encodes |\n|---|---|---|---|---|---|"
    )
    decibels, percents = [], []
    for clip in clips:
        off_db, off_bpp, tries = [], [], []
        for quality in qualities:
            wanted = constant(clip, quality)
            assert wanted.psnr_db is not None
            by_db = streamcodec.encode(clip, io.BytesIO(), target_psnr_db=wanted.psnr_db)
            by_bpp = streamcodec.encode(clip, io.BytesIO(), target_bpp=wanted.bpp)
            assert by_db.psnr_db is not None
            off_db.append(by_db.psnr_db - wanted.psnr_db)
            off_bpp.append(100 * (by_bpp.bpp / wanted.bpp - 1))
            searches = [each.search for each in (by_db, by_bpp) if each.search is not None]
            tries += [len(each.predictions) for each in searches]
        sampled = searches[0].sampled_frames
        cells = (
            ", ".join(f"{each:+.2f}" for each in off_db),
            ", ".join(f"{each:+.1f}" for each in off_bpp),
            f"{min(tries)} to {max(tries)}",
        )
        print(f"| {clip.stem} | {wanted.frames} | {sampled} | {' | '.join(cells)} |", flush=True)
        decibels += off_db
        percents += off_bpp
    print_magnitudes(list(zip(percents, decibels, strict=True)))


def report_feedback(clips: Sequence[Path], qualities: Sequence[int]) -> None:
    print(
        "\nThe feedback, reached less target; and beside the constant quality, by bit rate and by PSNR\n"
    )
    print(
        f"| clip | bit rate, % | first {FIRST_FRAMES} frames, % | its PSNR, dB | PSNR, dB | its size, % |\n"
        "|---|---|---|---|---|---|"
    )
    for clip in clips:
        video, frames = read(clip)
        rows = [feedback_errors(clip, video, frames, quality) for quality in qualities]
        columns = zip(*rows, strict=True)
        forms = ("+.1f", "+.0f", "+.2f", "+.2f", "+.0f")
        cells = [
            ", ".join(format(each, form) for each in column)
            for column, form in zip(columns, forms, strict=True)
        ]
        print(f"| {clip.stem} | {' | '.join(cells)} |", flush=True)


def feedback_errors(
    clip: Path, video: VideoFormat, frames: Sequence[RawFrame], quality: int
) -> tuple[float, ...]:
    """The columns of a row of report_feedback."""
    wanted = constant(clip, quality)
    assert wanted.psnr_db is not None
    allowed = 1000 * wanted.kbit_per_second / FRAME_RATE  # bits a frame
    by_rate = EncodeOptions(target_kbit_per_second=wanted.kbit_per_second, hash=False)
    by_db = EncodeOptions(target_psnr_db=wanted.psnr_db, hash=False)
    sizes, decibels = [], []
    for options in (by_rate, by_db):
        coded = list(costs(video, frames, options))
        bits = [size + 8 * 30 for _, size, _ in coded]  # with what is around a payload
        sizes += [np.mean(bits), np.mean(bits[:FIRST_FRAMES])]
        decibels.append(mse_to_psnr_db(float(np.mean([error for _, _, error in coded]))))
    rate, beginning, size, _ = (100 * (float(each) / allowed - 1) for each in sizes)
    of_rate, of_db = (each - wanted.psnr_db for each in decibels)
    return rate, beginning, of_rate, of_db, size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--qualities", type=int, nargs="+", default=[20, 32, 44])
    what = ("lines", "predictions", "search", "feedback")
    parser.add_argument("--what", nargs="+", choices=what, default=what)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = [Path(folder) / f"{path.stem}.mkv" for path in options.clips]
        for source, clip in zip(options.clips, clips, strict=True):
            shrink(source, clip, options.width, options.frames)
        if "lines" in options.what:
            report_lines(clips)
        if "predictions" in options.what:
            report_predictions(clips, options.qualities)
        if "search" in options.what:
            report_search(clips, options.qualities)
        if "feedback" in options.what:
            report_feedback(clips, options.qualities)


if __name__ == "__main__":
    main()
