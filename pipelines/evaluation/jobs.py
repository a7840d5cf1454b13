"""Which jobs an evaluation is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import av

from streamcodec import EncodeOptions, __version__, load_codec
from streamcodec.checks import parse_json
from streamcodec.errors import UsageError

from .anchors import anchor_named
from .rows import OURS, Clip, Measurement

__all__ = ["parse_options", "plan"]


def plan(
    clips: Sequence[Clip],
    qualities: Iterable[int],
    anchors: Mapping[str, Iterable[int]],
    options: Mapping[str, Any],
    max_frames: int | None = None,
) -> list[Measurement]:
    """All jobs, ours first since they take longest. `anchors`: name -> CRFs. `options`: of
    `parse_options`; its GOP is the anchors' too.

    Raises UsageError if a setting has a value that is not accepted, or if nothing is to be
    measured.
    """
    defaults = EncodeOptions()
    settings = {"scenecut": 0, **options}
    gop, qualities = settings.pop("gop", defaults.gop), sorted(set(qualities))
    settings.setdefault("intra_offset", EncodeOptions(gop=gop).key_offset)
    settings.setdefault("b_frames", defaults.b_frames)
    ours = [EncodeOptions(**{"quality": quality, "gop": gop, **settings}) for quality in qualities]
    version = model_version(ours[0]) if ours else ""
    jobs = [
        Measurement(clip, OURS, quality, gop, version, settings, max_frames)
        for clip in clips
        for quality in qualities
    ]
    for codec, crfs in anchors.items():
        jobs += _anchor_jobs(clips, codec, sorted(set(crfs)), gop, max_frames)
    if not jobs:
        raise UsageError(
            "nothing to measure; accepted: at least one quality, or an anchor and a CRF"
        )
    return jobs


def _anchor_jobs(
    clips: Sequence[Clip], codec: str, crfs: Sequence[int], gop: int, max_frames: int | None
) -> list[Measurement]:
    for crf in crfs:
        anchor_named(codec).check_crf(crf)
    return [
        Measurement(clip, codec, crf, gop, f"PyAV {av.__version__}", {}, max_frames)
        for clip in clips
        for crf in crfs
    ]


def parse_options(settings: Iterable[str]) -> dict[str, Any]:
    """KEY=VALUE of EncodeOptions' fields but quality and targets; values as in JSON, or else text.
    Raises UsageError for other keys."""
    known = [
        field.name
        for field in fields(EncodeOptions)
        if field.name != "quality" and not field.name.startswith("target_")
    ]
    options: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if key not in known or not equals:
            raise UsageError(
                f"encode option is {setting!r}; accepted: KEY=VALUE with KEY of {', '.join(known)}"
            )
        options[key] = _parse_value(value)
    return options


def _parse_value(text: str) -> object:
    try:
        return parse_json(text)
    except ValueError:
        return text


def model_version(options: EncodeOptions) -> str:
    """What decides our bits beside the options: the release, and the ids of the models."""
    codec = load_codec(options.intra, options.inter, device=options.device)
    return f"{__version__} with models {' and '.join(codec.model_ids)}"
