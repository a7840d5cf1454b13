import io
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import PacketType, Reader
from streamcodec.video import VideoReader
from support.streams import stream_of

from .conftest import PTS, TINY, count_frames

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_encode_says_what_it_did(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "clip.ssf"
    assert (
        run(
            [
                "encode",
                str(clip),
                str(out),
                "-q",
                "50",
                "--gop",
                "4",
                "--scenecut",
                "0",
                "--psnr",
                *TINY,
            ]
        )
        == 0
    )
    said = capsys.readouterr().err
    for part in ("6 frames in 2 GOPs", "48x32", "bpp", "kbit/s", "PSNR", "fps"):
        assert part in said


def test_there_and_back(stream: Path, tmp_path: Path) -> None:
    back = tmp_path / "back.mkv"
    assert run(["decode", str(stream), str(back), "--quiet"]) == 0
    with VideoReader(back) as reader:
        assert (reader.format.width, reader.format.height) == (48, 32)
        assert reader.format.sample_aspect_ratio == Fraction(4, 3)
        frames = list(reader)
        times = [frame.pts * reader.format.time_base for frame in frames]
    assert times == [Fraction(pts, 1000) for pts in PTS]


@pytest.mark.parametrize("name", ["back.mp4", "back.y4m", "frames/"])
def test_decode_to_every_kind_of_output(stream: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert run(["decode", str(stream), f"{tmp_path}/{name}", "--quiet"]) == 0
    count = len(list(out.glob("*.png"))) if name == "frames/" else count_frames(out)
    assert count == 6


def test_parts(clip: Path, stream: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.ssf"
    assert (
        run(
            [
                "encode",
                str(clip),
                str(out),
                "--start",
                "0:00.08",
                "--duration",
                "0.1",
                *TINY,
                "--quiet",
            ]
        )
        == 0
    )
    assert [frame.pts for frame in streamcodec.open(out)] == [80, 130, 160]
    assert (
        run(
            [
                "decode",
                str(stream),
                str(tmp_path / "part.mkv"),
                "--start",
                "0.13",
                "--frames",
                "2",
                "--quiet",
            ]
        )
        == 0
    )
    assert count_frames(tmp_path / "part.mkv") == 2


def test_info(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(stream), "--json", "--packets"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["frames"], facts["gops"], facts["key_frames"]) == (6, 2, [0, 4])
    assert facts["size_bytes"] == stream.stat().st_size
    assert facts["sample_aspect_ratio"] == "4/3"
    assert facts["intra"]["name"] == "tiny-intra"
    assert [packet["type"] for packet in facts["packets"]] == ["frame"] * 4 + ["gop_hash"] + [
        "frame"
    ] * 2 + ["gop_hash"]
    assert run(["info", str(stream), "--packets"]) == 0
    text = capsys.readouterr().out
    assert "48x32" in text
    assert text.count("packet ") == 8


def test_info_of_b_frames(capsys: pytest.CaptureFixture[str]) -> None:
    golden = str(Path(__file__).parents[1] / "container" / "golden" / "v1.2-full.ssf")
    assert run(["info", golden, "--json", "--packets"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["b_frames"] == 3
    b_frames = [packet["frame"] for packet in facts["packets"] if packet["b_frame"]]
    assert b_frames == [1, 7, 8, 9, 11]
    assert run(["info", golden, "--packets"]) == 0
    text = capsys.readouterr().out
    assert "at most 3 frames each, at most 3 B-frames in a row" in text
    assert text.count("frame B at") == 5


def test_verify(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(stream)]) == 0
    assert "bit-exact in 2 of 2 GOPs" in capsys.readouterr().out
    assert run(["verify", str(stream), "--no-decode"]) == 0
    data = bytearray(stream.read_bytes())
    data[len(data) // 2] ^= 0xFF
    stream.write_bytes(data)
    for extra in ([], ["--no-decode"]):
        assert run(["verify", str(stream), *extra]) == 3
        said = capsys.readouterr()
        assert "DAMAGED" in said.out
        assert "byte" in said.err


def test_verify_tells_other_pixels(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stream whose hash is of other pixels, as if coded on a machine with other arithmetic."""
    reader = Reader(io.BytesIO(stream.read_bytes()))
    packets = (
        replace(packet, payload=bytes(16))
        if packet.type == PacketType.GOP_HASH and packet.gop == 0
        else packet
        for packet in reader.packets()
    )
    (tmp_path / "other.ssf").write_bytes(stream_of(reader.header, packets))
    assert run(["verify", str(tmp_path / "other.ssf")]) == 0
    assert "1 of 2 GOPs differ" in capsys.readouterr().out
    assert run(["verify", str(tmp_path / "other.ssf"), "--exact"]) == 1
    assert run(["verify", str(tmp_path / "other.ssf"), "--exact", "--no-decode"]) == 2
    assert "without --no-decode" in capsys.readouterr().err


def test_exact_takes_a_hash_of_every_gop(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader(io.BytesIO(stream.read_bytes()))
    packets = list(reader.packets())
    for kept, said in (
        ({0}, "bit-exact in 1 of 1 GOP; 1 GOP without a hash to compare with"),
        (set(), "the stream has no hashes to compare them with"),
    ):
        left = [each for each in packets if each.type != PacketType.GOP_HASH or each.gop in kept]
        (tmp_path / "less.ssf").write_bytes(stream_of(reader.header, left))
        assert run(["verify", str(tmp_path / "less.ssf")]) == 0
        assert said in capsys.readouterr().out
        assert run(["verify", str(tmp_path / "less.ssf"), "--exact"]) == 1


FAILURES = [
    (["encode", "missing.mp4", "out.ssf"], 1, "missing.mp4"),
    (["encode", "text.mp4", "out.ssf"], 1, "text.mp4"),
    (["encode", "clip.ssf", "out.ssf"], 1, "is an .ssf stream already"),
    (["encode", "clip.mkv", "out.mp4"], 2, ".ssf"),
    (["encode", "clip.mkv", "out.ssf", "-q", "64"], 2, "64"),
    (["encode", "clip.mkv", "out.ssf", "--start", "soon"], 2, "HH:MM:SS"),
    (["encode", "clip.mkv", "out.ssf", "--start", "99"], 1, "no frames"),
    (["encode", "clip.mkv", "out.ssf", "--intra", "nonsense"], 1, "nonsense"),
    (["encode", "clip.mkv", "out.ssf", "--intra", "text.mp4"], 1, "no weights for model"),
    (["encode", "clip.mkv", "out.ssf", "--device", "abacus"], 2, "abacus"),
    (["encode", "clip.mkv", "clip.ssf"], 1, "exists"),
    (["encode", "clip.mkv", "no/folder/out.ssf"], 1, "folder"),
    (["encode", "clip.mkv"], 2, "OUT"),
    (["decode", "missing.ssf", "out.mkv"], 1, "missing.ssf"),
    (["decode", "text.mp4", "out.mkv"], 3, "not an .ssf stream"),
    (["decode", "cut.ssf", "out.mkv"], 3, "ends"),
    (["decode", "clip.ssf", "out.xyz"], 1, "accepted"),
    (["decode", "clip.ssf", "out.mkv", "--codec", "nonsense"], 1, "nonsense"),
    (["info", "text.mp4"], 3, "not an .ssf stream"),
    (["info", "missing.ssf"], 1, "cannot open"),
    (["verify", "text.mp4"], 3, "not an .ssf stream"),
    (["nonsense"], 2, "nonsense"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    FAILURES,
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_failures(
    arguments: list[str],
    code: int,
    said: str,
    clip: Path,
    stream: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = stream.parent
    monkeypatch.chdir(folder)
    Path("clip.mkv").write_bytes(clip.read_bytes())
    Path("text.mp4").write_text("This is no video.")
    Path("cut.ssf").write_bytes(stream.read_bytes()[:-400])
    before = sorted(folder.rglob("*"))
    extra = TINY if arguments[0] == "encode" and "--intra" not in arguments else []
    assert run([*arguments, *extra]) == code
    assert said in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


def test_damage_can_be_left_out(clip: Path, stream: Path, tmp_path: Path) -> None:
    data = stream.read_bytes()
    second = Reader(io.BytesIO(data)).index.entries[1].offset
    stream.write_bytes(data[: second + 30])
    assert run(["decode", str(stream), str(tmp_path / "back.mkv"), "--quiet"]) == 3
    assert (
        run(["decode", str(stream), str(tmp_path / "back.mkv"), "--on-damage", "skip", "--quiet"])
        == 0
    )
    assert count_frames(tmp_path / "back.mkv") == 4


def test_damaged_source_can_be_used(synthetic: ModuleType, tmp_path: Path) -> None:
    joined, out = synthetic.write_clip(tmp_path / "joined.ts", 8), tmp_path / "joined.ssf"
    joined.write_bytes(joined.read_bytes() * 2)  # two recordings: the packet counters jump
    command = ["encode", str(joined), str(out), *TINY, "--quiet"]
    assert run(command) == 1
    assert not out.exists()
    assert run([*command, "--on-error", "skip"]) == 0
    assert len(streamcodec.open(out)) == 16


def test_newer_stream_is_refused(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(stream.read_bytes())
    data[8] = 2
    stream.write_bytes(
        data[:-250]
    )  # without the copy of the header, which a newer one would not have
    assert run(["info", str(stream)]) == 3
    assert "version" in capsys.readouterr().err


def test_overwrite(clip: Path, stream: Path) -> None:
    assert run(["encode", str(clip), str(stream), "-y", *TINY, "--quiet"]) == 0
