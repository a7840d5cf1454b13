"""Frames and clips of streams as a dataset of Ray Data."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.errors import CorruptStreamError, SourceError, UsageError
from streamcodec.pipelines.reading.blocks import COLUMNS, Piece, Reading, blocks, deal, pieces_of
from streamcodec.stream.sampling.shaping import Shaping

pytest.importorskip("ray", reason="Ray is not installed")
pytest.importorskip("pyarrow", reason="Ray Data's dependencies are not installed")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # Ray Data's of its own settings

GOP = 4


@pytest.fixture
def streams(tmp_path: Path, synthetic: ModuleType, tiny_models: dict[str, str]) -> list[Path]:
    """Two of 10 and 6 frames, 48x32, with GOPs of 4 frames."""
    folder = tmp_path / "streams"
    folder.mkdir()
    paths = [folder / "a.ssf", folder / "b.ssf"]
    for path, count in zip(paths, (10, 6), strict=True):
        frames = synthetic.moving_frames(count, 48, 32, seed=count)
        streamcodec.encode(
            frames, path, gop=GOP, scenecut=0, frame_rate=25, device="cpu", **tiny_models
        )
    return paths


@pytest.fixture(scope="module")
def ray_data() -> Iterator[None]:
    """Ray on one CPU, for Ray Data without its progress bars."""
    import ray

    from streamcodec.pipelines.cluster import connected

    with connected(None, 1):
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        yield


def rows_of(path: Path, clip_length: int | None = None, **settings: Any) -> list[dict[str, Any]]:
    """The rows of a stream, made in this process."""
    reading = Reading(clip_length, **settings)
    found = blocks(pieces_of(str(path), reading), reading)
    return [
        {name: column[number] for name, column in block.items()}
        for block in found
        for number in range(len(block["index"]))
    ]


def test_frames_are_those_of_the_stream(streams: list[Path]) -> None:
    rows = rows_of(streams[0])
    assert [int(row["index"]) for row in rows] == list(range(10))
    assert set(rows[0]) == set(COLUMNS)
    for row, frame in zip(rows, streamcodec.open(streams[0], device="cpu"), strict=True):
        assert (row["path"], row["pts_seconds"]) == (str(streams[0]), frame.pts_seconds)
        assert row["duration_seconds"] == frame.duration_seconds
        assert torch.equal(torch.from_numpy(row["data"]), frame.data)


@pytest.mark.parametrize(
    ("length", "starts"),
    [(1, list(range(10))), (3, [0, 3, 6]), (4, [0, 4]), (5, [0, 5]), (10, [0]), (11, [])],
)
def test_clips_lie_end_to_end_across_gops(
    streams: list[Path], length: int, starts: list[int]
) -> None:
    rows = rows_of(streams[0], length)
    assert [int(row["index"]) for row in rows] == starts
    video = streamcodec.open(streams[0], device="cpu")
    for row, start in zip(rows, starts, strict=True):
        assert row["data"].shape == (length, 3, 32, 48)
        assert np.array_equal(row["data"], video[start : start + length].data.numpy())
        assert row["pts_seconds"].tolist() == pytest.approx(
            [number / 25 for number in range(start, start + length)]
        )


def test_a_piece_alone_gives_the_same_rows(streams: list[Path]) -> None:
    reading = Reading(3)
    whole = rows_of(streams[0], 3)
    pieces = pieces_of(str(streams[0]), reading)
    assert [list(piece.starts) for piece in pieces] == [[0, 3], [6]]
    (alone,) = blocks(pieces[1:], reading)
    assert np.array_equal(alone["data"][0], whole[2]["data"])


def test_a_block_is_bounded_and_of_one_shape(
    streams: list[Path], tiny_models: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = streams[0].with_name("small.ssf")
    streamcodec.encode(
        np.zeros((2, 3, 16, 16), np.uint8), small, frame_rate=25, device="cpu", **tiny_models
    )
    reading = Reading()
    pieces = [piece for path in (streams[1], small) for piece in pieces_of(str(path), reading)]
    monkeypatch.setattr("streamcodec.pipelines.reading.blocks.BLOCK_BYTES", 4 * 3 * 32 * 48)
    assert [block["data"].shape for block in blocks(pieces, reading)] == [
        (4, 3, 32, 48),
        (2, 3, 32, 48),
        (2, 3, 16, 16),
    ]


def test_pieces_are_dealt_out_by_size() -> None:
    pieces = [
        Piece("a", first, first + frames, 1, 10)
        for first, frames in ((0, 4), (4, 4), (8, 4), (12, 1), (13, 1), (14, 2))
    ]
    assert [[piece.first for piece in part] for part in deal(pieces, 4)] == [
        [0],
        [4],
        [8],
        [12, 13, 14],
    ]
    assert deal(pieces, 1) == [pieces]
    assert len(deal(pieces, 100)) == 6
    assert deal([], 3) == []


def damage(path: Path, frame: int) -> None:
    """Change a byte in the packet of this frame."""
    data = bytearray(path.read_bytes())
    size = len(data)
    data[size * frame // 10] ^= 0xFF
    path.write_bytes(data)


def test_damage_costs_the_rows_that_it_touches(streams: list[Path]) -> None:
    sound = {int(row["index"]): row["data"] for row in rows_of(streams[0])}
    damage(streams[0], 5)
    with pytest.raises(CorruptStreamError):
        rows_of(streams[0])
    rows = rows_of(streams[0], on_damage="skip")
    assert 10 - GOP <= len(rows) < 10
    assert all(np.array_equal(row["data"], sound[int(row["index"])]) for row in rows)


def test_a_stream_that_cannot_be_opened_is_left_out_where_damage_is(tmp_path: Path) -> None:
    (tmp_path / "bad.ssf").write_bytes(b"no stream")
    assert pieces_of(str(tmp_path / "bad.ssf"), Reading(on_damage="skip")) == []
    with pytest.raises(streamcodec.FormatError):
        pieces_of(str(tmp_path / "bad.ssf"), Reading())


def test_a_stream_behind_a_url_is_read_in_place(streams: list[Path]) -> None:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://streams/a.ssf", "wb") as file:
        file.write(streams[0].read_bytes())
    reading = Reading(5)
    (block,) = blocks(pieces_of("memory://streams/a.ssf", reading), reading)
    assert np.array_equal(block["data"], np.stack([row["data"] for row in rows_of(streams[0], 5)]))
    with pytest.raises(SourceError, match=r"cannot open memory://streams/none\.ssf"):
        pieces_of("memory://streams/none.ssf", reading)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip_length": 0}, "clip length is 0"),
        ({"columns": ()}, "columns are"),
        ({"columns": ("frame",)}, "accepted: at least one of data, path"),
        ({"on_damage": "stop"}, "on_damage is 'stop'"),
    ],
)
def test_other_readings_fail(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Reading(**settings)


@pytest.mark.usefixtures("ray_data")
def test_ray_gives_every_clip_once(streams: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import read_ssf

    dataset = read_ssf(
        streams[0].parent,
        clip_length=3,
        columns=("data", "path", "index"),
        shuffle=True,
        seed=3,
        override_num_blocks=3,
    )
    found = {(row["path"], row["index"]): row["data"] for row in dataset.iter_rows()}
    expected = {
        (str(path), int(row["index"])): row["data"] for path in streams for row in rows_of(path, 3)
    }
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


@pytest.fixture
def mixed(streams: list[Path], synthetic: ModuleType, tiny_models: dict[str, str]) -> list[Path]:
    """One stream more, of 6 frames, 40x64."""
    path = streams[0].with_name("c.ssf")
    frames = synthetic.moving_frames(6, 40, 64, seed=3)
    streamcodec.encode(
        frames, path, gop=GOP, scenecut=0, frame_rate=25, device="cpu", **tiny_models
    )
    return [*streams, path]


@pytest.mark.usefixtures("ray_data")
def test_batches_of_mixed_videos_for_torch(mixed: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import read_ssf

    dataset = read_ssf(
        mixed[0].parent, clip_length=3, resize=24, crop=(20, 16), columns=("data", "index")
    )
    batches = list(dataset.iter_torch_batches(batch_size=4))
    assert [tuple(batch["data"].shape) for batch in batches] == [
        (4, 3, 3, 20, 16),
        (3, 3, 3, 20, 16),
    ]
    assert {batch["data"].dtype for batch in batches} == {torch.uint8}


def test_sizes_are_those_of_video_dataset(mixed: list[Path]) -> None:
    shaping = Shaping(resize=24, crop=(20, 16))
    rows = [row for path in mixed for row in rows_of(path, 3, shaping=shaping)]
    expected = streamcodec.VideoDataset(mixed, clip_length=3, resize=24, crop=(20, 16))
    for row, clip in zip(rows, expected, strict=True):
        assert torch.equal(torch.from_numpy(row["data"]), clip)
    pieces = pieces_of(str(mixed[2]), Reading(3, shaping=shaping))
    assert {piece.row_bytes for piece in pieces} == {3 * 3 * 20 * 16}


def test_a_crop_that_does_not_fit_fails_before_the_first_row(mixed: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import read_ssf

    with pytest.raises(UsageError, match=r"crop is 64x64 .* frames of .*a\.ssf are 32x48"):
        read_ssf(mixed[0].parent, crop=64)


@pytest.mark.usefixtures("ray_data")
def test_batches_of_frames_for_torch(streams: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import read_ssf

    dataset = read_ssf([str(path) for path in streams], override_num_blocks=1)
    batches = list(dataset.select_columns(["data", "index"]).iter_torch_batches(batch_size=8))
    assert [tuple(batch["data"].shape) for batch in batches] == [(8, 3, 32, 48)] * 2
    assert torch.cat([batch["index"] for batch in batches]).tolist() == [*range(10), *range(6)]


def test_the_seed_decides_the_order_of_gops(streams: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import SsfDatasource

    def order(seed: int | None) -> list[tuple[str, int]]:
        source = SsfDatasource(
            [str(path) for path in streams], Reading(), shuffle=seed is not None, seed=seed or 0
        )
        tables = [table for task in source.get_read_tasks(2) for table in task()]
        return [
            (row["path"], row["index"])
            for table in tables
            for row in table.select(["path", "index"]).to_pylist()
        ]

    plain = [
        (str(path), index)
        for path, count in zip(streams, (10, 6), strict=True)
        for index in range(count)
    ]
    assert order(None) == plain
    first = order(1)
    assert first == order(1) != plain
    assert sorted(first) == plain
    assert order(2) != first


def test_tasks_tell_what_they_read(streams: list[Path]) -> None:
    from streamcodec.pipelines.reading.dataset import SsfDatasource

    source = SsfDatasource([str(path) for path in streams], Reading())
    assert source.estimate_inmemory_data_size() == 16 * 3 * 32 * 48
    tasks = source.get_read_tasks(2)
    assert [task.metadata.num_rows for task in tasks] == [8, 8]
    assert tasks[1].metadata.input_files == (str(streams[0]), str(streams[1]))


def test_no_streams_fail(tmp_path: Path) -> None:
    from streamcodec.pipelines.reading.dataset import read_ssf

    with pytest.raises(SourceError, match="there are no streams in"):
        read_ssf(tmp_path)
    with pytest.raises(SourceError, match="none"):
        read_ssf(tmp_path / "none.ssf")
