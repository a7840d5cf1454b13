"""What to measure, the result, and the file of rows, so that nothing is measured twice."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from streamcodec.checks import json_lines, parse_json
from streamcodec.errors import UsageError
from streamcodec.files import append_text
from streamcodec.rates import bits_per_pixel

__all__ = ["OURS", "Clip", "Measurement", "Row", "Store", "key_of", "latest", "read_rows"]

OURS = "streamcodec"


@dataclass(frozen=True)
class Clip:
    """A video file, and a hash of its bytes."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Clip":
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True)
class Measurement:
    """One clip to encode with one codec at one setting: our quality, or an anchor's CRF.

    `options`: further fields of our EncodeOptions. `version`: of the codec; ours has the ids of the
    models. `max_frames` None takes all.
    """

    clip: Clip
    codec: str
    setting: int
    gop: int
    version: str
    options: dict[str, Any] = field(default_factory=dict)
    max_frames: int | None = None

    @property
    def clip_sha256(self) -> str:
        return self.clip.sha256


@dataclass(frozen=True)
class Row:
    """The result of a job, with the fields of the job; `clip` is the file's name without suffix.

    `size_bytes`: of all coded frames. `psnr_yuv_db`: 6:1:1, frame by frame. `ms_ssim`: of luma,
    mean over the frames. fps: frames per second of wall time. `psnr_rgb_db`: of the mean squared
    error over all frames, as `encode` has it. `psnr_planes_db`: of Y, U and V, each the mean over
    the frames. Older rows lack these two.
    """

    clip: str
    clip_sha256: str
    codec: str
    setting: int
    gop: int
    version: str
    options: dict[str, Any]
    max_frames: int | None
    width: int
    height: int
    size_bytes: int
    psnr_yuv_db: tuple[float, ...]
    ms_ssim: float
    encode_fps: float
    decode_fps: float
    psnr_rgb_db: float | None = None
    psnr_planes_db: tuple[float, float, float] | None = None

    @property
    def frames(self) -> int:
        return len(self.psnr_yuv_db)

    @property
    def bpp(self) -> float:
        """Coded bits per pixel, over all frames."""
        return bits_per_pixel(self.size_bytes, self.frames, self.width, self.height)

    @property
    def mean_psnr_yuv_db(self) -> float:
        return fmean(self.psnr_yuv_db)

    @property
    def gop_drop_db(self) -> float:
        """Mean PSNR of the first quarter of the frames behind the first I-frame less that of its GOP's last
        quarter: a frame or more each, and of 31 frames a whole run of B-frames; 0 without any."""
        later = self.psnr_yuv_db[1 : self.gop]
        quarter = -(-len(later) // 4)
        return fmean(later[:quarter]) - fmean(later[-quarter:]) if later else 0.0


def key_of(item: Measurement | Row) -> str:
    """Equal for jobs that give the same bits, and for the row of such a job. Models count by their
    ids, wherever their files are."""
    options = {
        name: value for name, value in item.options.items() if name not in ("intra", "inter")
    }
    return json.dumps(
        [
            item.clip_sha256,
            item.codec,
            item.setting,
            item.gop,
            item.version,
            options,
            item.max_frames,
        ],
        sort_keys=True,
    )


class Store:
    """Rows as JSON lines in a file that only grows; of several rows for one job the last counts."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError if the file holds something else. A line without an end, written when
        the run was killed, is cut off."""
        self._path = path
        path.touch()
        text = path.read_text()
        if not text.endswith("\n"):
            path.write_text(text[: text.rfind("\n") + 1])
        self._rows = {key_of(row): row for row in read_rows(path)}

    def get(self, job: Measurement) -> Row | None:
        return self._rows.get(key_of(job))

    def add(self, row: Row) -> None:
        self._rows[key_of(row)] = row
        append_text(self._path, json_lines([asdict(row)]))


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, in its order. Raises UsageError for a line that is not a row."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            fields = dict(parse_json(line))
            planes = fields.get("psnr_planes_db")
            fields["psnr_planes_db"] = None if planes is None else tuple(planes)
            rows.append(Row(**{**fields, "psnr_yuv_db": tuple(fields["psnr_yuv_db"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"{path}, line {number} is not a row of an evaluation ({error}); mend it, or take the file away"
            ) from error
    return rows


def latest(rows: Iterable[Row]) -> list[Row]:
    """One row for every clip, codec and setting: the last."""
    return list({(row.clip_sha256, row.codec, row.setting): row for row in rows}.values())
