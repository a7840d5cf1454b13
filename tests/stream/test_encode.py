import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import EncodeOptions, Encoder
from streamcodec.container import Limits, PacketType
from streamcodec.errors import ModelError, OutputError, SourceError, UsageError
from streamcodec.metrics import frame_mse
from streamcodec.stream.encode import EncodeSettings
from streamcodec.types import ColorSpec, VideoFormat
from streamcodec.video import to_yuv420
from support.streams import stream_of


@pytest.fixture
def frames() -> list[torch.Tensor]:
    base = torch.randint(
        0, 256, (3, 32, 48), generator=torch.Generator().manual_seed(2), dtype=torch.uint8
    )
    return [base.roll(shift, dims=1) for shift in range(6)]


def test_frames_from_python(frames, tiny_models, tmp_path: Path) -> None:
    done: list[tuple[int, int | None]] = []
    out = tmp_path / "v.ssf"
    report = streamcodec.encode(
        frames,
        out,
        quality=50,
        gop=4,
        scenecut=0,
        frame_rate=10,
        psnr=True,
        progress=lambda *numbers: done.append(numbers),
        **tiny_models,
    )
    assert done[-1] == (6, 6)
    assert (report.frames, report.gops, report.width, report.height) == (6, 2, 48, 32)
    assert report.size_bytes == out.stat().st_size
    assert report.bpp == pytest.approx(8 * report.size_bytes / (6 * 48 * 32))
    assert report.duration_seconds == pytest.approx(0.6)
    assert report.kbit_per_second == pytest.approx(8e-3 * report.size_bytes / 0.6)
    video = streamcodec.open(out)
    assert [frame.pts_seconds for frame in video] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    given = [
        (a.numpy(),) if report.frame_format == "rgb" else to_yuv420(a.numpy(), ColorSpec())
        for a in frames
    ]
    errors = [frame_mse(a, b.planes) for a, b in zip(given, video, strict=True)]
    assert report.psnr_db == pytest.approx(10 * np.log10(255**2 / np.mean(errors)), abs=1e-6)
    assert report.notes == (
        () if report.frame_format == "rgb" else ("its RGB samples were converted to 4:2:0",)
    )


def test_numpy_frames_and_a_file_object(frames, tiny_models) -> None:
    out = io.BytesIO()
    report = streamcodec.encode((frame.numpy() for frame in frames), out, **tiny_models)
    assert len(out.getvalue()) == report.size_bytes
    assert len(streamcodec.open(out.getvalue())) == 6


def test_same_input_gives_the_same_bytes(frames, tiny_models) -> None:
    outs = [io.BytesIO(), io.BytesIO()]
    for out in outs:
        streamcodec.encode(frames, out, **tiny_models)
    assert outs[0].getvalue() == outs[1].getvalue()


def test_intra_only(frames, tiny_models) -> None:
    out = io.BytesIO()
    streamcodec.encode(frames, out, intra=tiny_models["intra"], inter="none", gop=3, scenecut=0)
    video = streamcodec.open(out.getvalue())
    assert [frame.type for frame in video] == ["I"] * 6
    assert video.metadata.inter is None


def test_keywords_are_the_options(frames) -> None:
    assert set(EncodeSettings.__annotations__) == set(EncodeOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    "setting", [{"quality": 64}, {"gop": 0}, {"gop": 1.5}, {"scenecut": -1.0}, {"precision": "fp8"}]
)
def test_bad_settings_fail(frames, tmp_path: Path, setting) -> None:
    with pytest.raises(UsageError, match="accepted"):
        streamcodec.encode(frames, tmp_path / "v.ssf", **setting)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "models", [{"intra": "nonsense"}, {"inter": "nonsense"}, {"intra": "missing.safetensors"}]
)
def test_unknown_models_fail(frames, tmp_path: Path, models) -> None:
    with pytest.raises(ModelError):
        streamcodec.encode(frames, tmp_path / "v.ssf", **models)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_weights_fail(frames, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"not weights" * 100)
    with pytest.raises(ModelError, match="cannot read the weights"):
        streamcodec.encode(frames, tmp_path / "v.ssf", intra=str(weights))


def test_no_frames_fail(tiny_models, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no frames"):
        streamcodec.encode([], tmp_path / "v.ssf", **tiny_models)
    assert list(tmp_path.iterdir()) == []


def test_sources_may_use_a_buffer_again(frames, tiny_models) -> None:
    def reusing():
        buffer = np.empty((3, 32, 48), np.uint8)
        for frame in frames:
            buffer[:] = frame.numpy()
            yield buffer

    def read_only():
        for frame in frames:
            yield np.frombuffer(frame.numpy().tobytes(), np.uint8).reshape(3, 32, 48)

    outs = [io.BytesIO() for _ in range(3)]
    for out, source in zip(outs, (frames, reusing(), read_only()), strict=True):
        streamcodec.encode(source, out, **tiny_models)
    assert outs[0].getvalue() == outs[1].getvalue() == outs[2].getvalue()


def test_tags_beyond_the_limit_are_left_out(tiny_codec) -> None:
    tags = {"comment": "x" * 2_000_000, "title": "a film"}
    encoder = Encoder(
        VideoFormat(48, 32, time_base=Fraction(1, 25)), codec=tiny_codec, metadata=tags
    )
    assert encoder.header.metadata == (("title", "a film"),)


def test_no_more_tags_are_kept_than_readers_take(tiny_codec) -> None:
    tags = {f"key {number}": "x" for number in range(10_000)}
    video = VideoFormat(48, 32, time_base=Fraction(1, 25))
    encoder = Encoder(video, codec=tiny_codec, metadata=tags)
    assert encoder.header.metadata == tuple(tags.items())[: Limits().tags]
    packets = [*encoder.push(np.zeros((3, 32, 48), np.uint8)), *encoder.flush()]
    assert len(streamcodec.open(stream_of(encoder.header, packets))) == 1


def test_tags_that_are_left_out_are_noted(tiny_models, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "book.mkv"), "w") as output:
        output.metadata.update(title="a film", lyrics="x" * 2_000_000)
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        output.mux(stream.encode(av.VideoFrame(48, 32, "yuv420p")))
        output.mux(stream.encode(None))
    report = streamcodec.encode(tmp_path / "book.mkv", tmp_path / "out.ssf", **tiny_models)
    [note] = [note for note in report.notes if "tags" in note]
    assert "its tags LYRICS are not kept: 2000000 bytes" in note.replace("lyrics", "LYRICS")
    assert streamcodec.open(tmp_path / "out.ssf").metadata.tags["title"] == "a film"


@pytest.mark.parametrize(
    "source", [5, [1, 2], [None], [torch.zeros(3, 16, 16, dtype=torch.bfloat16)]]
)
def test_what_is_no_source_fails(tiny_models, source) -> None:
    with pytest.raises(UsageError, match="accepted"):
        streamcodec.encode(source, io.BytesIO(), **tiny_models)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e-9])
def test_impossible_frame_rates_fail(frames, tiny_models, rate: float) -> None:
    with pytest.raises(UsageError, match="frame rate is"):
        streamcodec.encode(frames, io.BytesIO(), frame_rate=rate, **tiny_models)


def test_gops_of_one_frame_need_no_inter_model(frames, tiny_models) -> None:
    out = io.BytesIO()
    streamcodec.encode(frames, out, gop=1, **tiny_models)
    assert streamcodec.open(out.getvalue()).metadata.inter is None


def test_changing_size_fails_and_leaves_nothing(frames, tiny_models, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frame is 47x32; the stream is 48x32"):
        streamcodec.encode([*frames, frames[0][:, :, 1:]], tmp_path / "v.ssf", **tiny_models)
    assert list(tmp_path.iterdir()) == []


def test_broken_iterable_leaves_nothing(frames, tiny_models, tmp_path: Path) -> None:
    def broken():
        yield frames[0]
        raise RuntimeError("camera unplugged")

    with pytest.raises(RuntimeError, match="camera unplugged"):
        streamcodec.encode(broken(), tmp_path / "v.ssf", **tiny_models)
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_kept(frames, tiny_models, tmp_path: Path) -> None:
    out = tmp_path / "v.ssf"
    out.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists"):
        streamcodec.encode(frames, out, **tiny_models)
    assert out.read_bytes() == b"precious"
    streamcodec.encode(frames, out, overwrite=True, **tiny_models)
    assert len(streamcodec.open(out)) == 6


@pytest.mark.parametrize(("out", "error"), [(5, UsageError), ("a\0b.ssf", OutputError)])
def test_what_is_no_output_fails(frames, tiny_models, out, error: type[Exception]) -> None:
    with pytest.raises(error):
        streamcodec.encode(frames, out, **tiny_models)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_fails(frames, tiny_models) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OutputError, match="No space left"),
    ):
        streamcodec.encode(frames, full, **tiny_models)


class TestEncoder:
    video = VideoFormat(48, 32, time_base=Fraction(1, 90000), frame_rate=Fraction(25))

    def test_times_follow_the_frame_rate(self, frames, tiny_codec) -> None:
        encoder = Encoder(self.video, codec=tiny_codec)
        packets = [packet for frame in frames for packet in encoder.push(frame)]
        packets += encoder.flush()[:-1]
        assert [packet.pts for packet in packets] == [3600 * i for i in range(6)]
        assert {packet.duration for packet in packets} == {3600}

    def test_key_starts_a_gop(self, frames, tiny_codec) -> None:
        options = EncodeOptions(scenecut=0, hash=False, b_frames=0)
        encoder = Encoder(self.video, options, codec=tiny_codec)
        keys = [
            encoder.push(frame, key=position == 3)[-1].key for position, frame in enumerate(frames)
        ]
        assert keys == [True, False, False, True, False, False]
        assert encoder.flush() == []

    def test_scene_cut_starts_a_gop(self, frames, tiny_codec) -> None:
        encoder = Encoder(self.video, EncodeOptions(b_frames=0), codec=tiny_codec)
        dark, bright = (
            torch.full((3, 32, 48), 20, dtype=torch.uint8),
            torch.full((3, 32, 48), 230, dtype=torch.uint8),
        )
        keys = [encoder.push(frame)[-1].key for frame in (dark, dark, dark, bright, bright)]
        assert keys == [True, False, False, True, False]

    def test_pts_must_rise(self, frames, tiny_codec) -> None:
        encoder = Encoder(self.video, codec=tiny_codec)
        encoder.push(frames[0], pts=5)
        with pytest.raises(UsageError, match="pts is 5 after 5"):
            encoder.push(frames[1], pts=5)

    def test_nothing_follows_a_flush(self, frames, tiny_codec) -> None:
        encoder = Encoder(self.video, codec=tiny_codec)
        encoder.push(frames[0])
        assert [packet.type for packet in encoder.flush()] == [PacketType.GOP_HASH]
        assert encoder.flush() == []
        with pytest.raises(UsageError, match="flushed"):
            encoder.push(frames[1])

    def test_other_frames_fail(self, frames, tiny_codec) -> None:
        encoder = Encoder(self.video, codec=tiny_codec)
        with pytest.raises(UsageError, match="accepted"):
            encoder.push(frames[0].float())
        with pytest.raises(UsageError, match="accepted"):
            encoder.push((np.zeros((32, 48), np.uint8),) * 3)
        with pytest.raises(UsageError, match="no frame has been coded"):
            _ = encoder.reconstruction
