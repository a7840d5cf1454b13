"""Clips from videos and from septuplets: the same number is the same clip, pools move on, a run goes on exactly, bad folders fail."""

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamcodec.errors import SourceError, UsageError
from streamcodec.training import Data, Trainer
from streamcodec.training.clips import MadeClips, flows_of
from streamcodec.training.replicas import Replicas
from streamcodec.training.videos import VideoClips, clip_starts
from streamcodec.training.vimeo import Vimeo90K

from .small_runs import small_config, write_shards

SIDE, LENGTH = 48, 5


@pytest.fixture(scope="module")
def videos(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos with GOPs of 8 frames, in folders of their own, one of 24 and one of 12 frames."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "more").mkdir()
    options = {"g": "8", "keyint_min": "8", "sc_threshold": "0", "crf": "12"}
    synthetic.write_clip(folder / "long.mkv", 24, options=options)
    synthetic.write_clip(folder / "more" / "short.MP4", synthetic.moving_frames(12, 80, 96, seed=3), options=options)
    return folder


@pytest.fixture(scope="module")
def septuplets(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three septuplets of 96x64 in Vimeo-90K's layout, of which the list names two."""
    folder = tmp_path_factory.mktemp("vimeo")
    for name in ("00001/0001", "00001/0002", "00002/0001"):
        (folder / "sequences" / name).mkdir(parents=True)
        for number, frame in enumerate(synthetic.moving_frames(7, seed=int(name[-1]) + int(name[4])), 1):
            cv2.imwrite(str(folder / "sequences" / name / f"im{number}.png"), frame.transpose(1, 2, 0)[..., ::-1])
    (folder / "sep_trainlist.txt").write_text("00001/0001\n00002/0001\n\n")
    return folder


class Numbered:
    """Makes clips that are all of one shade, which tells their number."""

    length, side = 3, 32

    def __init__(self) -> None:
        self.made: list[int] = []

    def __len__(self) -> int:
        return 10

    def make(self, number: int) -> NDArray[np.uint8]:
        self.made.append(number)
        return np.full((3, 3, 32, 32), number % 256, np.uint8)


def clips_of(folder: Path, seed: int = 0) -> VideoClips:
    return VideoClips(folder, length=LENGTH, side=SIDE, seed=seed)


def test_clips_begin_where_gops_do(videos: Path) -> None:
    starts = clip_starts(videos / "long.mkv", 4)
    np.testing.assert_allclose(starts, np.arange(0, 24, 4) / 30, atol=1e-3)
    np.testing.assert_allclose(clip_starts(videos / "long.mkv", 12), [0, 8 / 30], atol=1e-3)
    assert clip_starts(videos / "long.mkv", 25) == []


def test_clip_shows_frames_of_the_video_in_order(videos: Path, synthetic: ModuleType) -> None:
    whole = VideoClips(videos / "more", length=LENGTH, side=64, seed=1)
    clip = whole.make(0)
    assert clip.shape == (LENGTH, 3, 64, 64)
    changes = np.abs(np.diff(clip.astype(np.float64), axis=0)).mean((1, 2, 3))
    assert (changes > 0.5).all()
    assert np.ptp(changes) < 0.5 * changes.mean()  # the texture moves at one speed: no frame is missing


def test_number_decides_the_clip(videos: Path) -> None:
    one, same, other = clips_of(videos), clips_of(videos), clips_of(videos, seed=1)
    numbers = [3, 0, 7]
    for number in numbers:
        np.testing.assert_array_equal(one.make(number), same.make(number))
    assert len({one.make(number).tobytes() for number in range(8)}) > 4
    assert any(not np.array_equal(one.make(number), other.make(number)) for number in numbers)


def test_unusable_videos_are_left_out_with_a_warning(videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.mkv").write_bytes((videos / "long.mkv").read_bytes())
    (tmp_path / "bad.mp4").write_bytes(bytes(50_000))
    clips = clips_of(tmp_path)
    assert all(clips.make(number).shape == (LENGTH, 3, SIDE, SIDE) for number in range(4))
    assert sum("bad.mp4" in record.message for record in caplog.records) == 1


def test_folder_without_usable_videos_fails(tmp_path: Path, synthetic: ModuleType) -> None:
    with pytest.raises(UsageError, match=r"no videos in .*accepted: files named .*\.mp4"):
        clips_of(tmp_path)
    synthetic.write_clip(tmp_path / "short.mkv", LENGTH - 1)
    with pytest.raises(SourceError, match=f"gave no clip of {LENGTH} frames"):
        clips_of(tmp_path).make(0)


def test_septuplets_come_once_in_each_round(septuplets: Path, synthetic: ModuleType) -> None:
    maker = Vimeo90K(septuplets, side=64, seed=2)
    assert (len(maker), maker.length) == (2, 7)
    firsts = [synthetic.moving_frames(1, seed=seed)[0] for seed in (2, 3)]
    for turn in range(3):
        seen = [maker.make(2 * turn + index) for index in range(2)]
        assert {clip.shape for clip in seen} == {(7, 3, 64, 64)}
        found = {which for clip in seen for which, frame in enumerate(firsts) if shown_in(clip[0], frame)}
        assert found == {0, 1}
    np.testing.assert_array_equal(maker.make(5), Vimeo90K(septuplets, side=64, seed=2).make(5))


def shown_in(square: NDArray[np.uint8], frame: NDArray[np.uint8]) -> bool:
    columns = frame.shape[2] - square.shape[2]
    return any(np.array_equal(square, frame[:, :, left : left + square.shape[2]]) for left in range(columns + 1))


def test_bad_septuplets_fail(septuplets: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*sep_trainlist.txt"):
        Vimeo90K(tmp_path, side=64, seed=0)
    (tmp_path / "sep_trainlist.txt").write_text("00001/0001\n")
    with pytest.raises(SourceError, match=r"im1\.png is missing"):
        Vimeo90K(tmp_path, side=64, seed=0).make(0)
    (tmp_path / "sep_trainlist.txt").write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        Vimeo90K(tmp_path, side=64, seed=0)
    with pytest.raises(SourceError, match=r"96x64; the clips' side is 80; accepted: up to 64"):
        Vimeo90K(septuplets, side=80, seed=0).make(0)


def test_hints_lead_to_the_neighbours(synthetic: ModuleType) -> None:
    clip = np.stack(synthetic.moving_frames(3, 64, 64))
    flows = flows_of(clip)
    assert flows.shape == (2, 3, 2, 16, 16)
    inner = (slice(4, 12), slice(4, 12))
    np.testing.assert_allclose(np.median(flows[0, 1][:, *inner], (1, 2)), [-2, -1], atol=0.4)  # it moves by 2 right and 1 down
    np.testing.assert_allclose(np.median(flows[1, 1][:, *inner], (1, 2)), [2, 1], atol=0.4)
    assert not flows[0, 0].any()
    assert not flows[1, 2].any()


def test_pool_moves_on_and_each_process_has_its_own_numbers() -> None:
    makers = [Numbered(), Numbered()]
    sources = [MadeClips(maker, rank, 2, pool=4, repeats=2, ahead=1, walking=2) for rank, maker in enumerate(makers)]
    for rank, source in enumerate(sources):
        rng = np.random.default_rng(0)
        drawn = [source.draw(16, rng) for _ in range(40)]
        assert all(number // 2 <= view.clip < number // 2 + 4 for number, view in enumerate(drawn))
        assert {int(source.frame(view, 0)[0, 0, 0]) for view in drawn[-4:]} <= {2 * view.clip + rank for view in drawn[-4:]}
        source.close()
    assert not set(makers[0].made) & set(makers[1].made)


def test_clip_that_left_the_pool_is_made_again() -> None:
    maker = Numbered()
    source = MadeClips(maker, pool=2, repeats=1, ahead=0, walking=0)
    rng = np.random.default_rng(0)
    first = source.draw(16, rng)
    for _ in range(20):
        source.frame(source.draw(16, rng), 0)
    made = maker.made.count(first.clip)
    assert int(source.frame(first, 2)[0, 0, 0]) == first.clip
    assert maker.made.count(first.clip) == made + 1
    source.close()


def test_window_larger_than_the_made_clips_fails() -> None:
    with pytest.raises(UsageError, match="crop is 48"):
        MadeClips(Numbered()).draw(48, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["videos", "vimeo90k"])
def test_run_on_made_clips_goes_on_exactly(kind: str, videos: Path, septuplets: Path, tmp_path: Path) -> None:
    data = Data(kind, videos if kind == "videos" else septuplets)  # type: ignore[arg-type]
    config = small_config(steps=4, unroll=2, image_batch=1, clip_frames=LENGTH)
    straight = Trainer(config, data.open(config))
    figures = [straight.step() for _ in range(4)]
    half = Trainer(config, data.open(config))
    for _ in range(2):
        half.step()
    half.save(tmp_path / "state.pt")
    resumed = Trainer(config, data.open(config))
    resumed.resume(tmp_path / "state.pt")
    assert [resumed.step() for _ in range(2)] == figures[2:]
    expected = straight.models.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.models.state_dict().items())
    for trainer in (straight, half, resumed):
        trainer.source.close()


def test_shards_are_shared_out(tmp_path: Path) -> None:
    write_shards(tmp_path)
    config, data = small_config(), Data("shards", tmp_path)
    assert [len(data.open(config, Replicas(rank, 4))) for rank in range(4)] == [2, 2, 1, 1]
    with pytest.raises(UsageError, match="6 clips; 7 processes"):
        data.open(config, Replicas(6, 7))
