"""Which jobs a report is made of."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields

import av

from rd.rows import OURS, Clip, Job
from streamcodec import EncodeOptions, __version__, load_codec
from streamcodec.errors import UsageError

GOP = 32


def plan(
    clips: Sequence[Clip],
    qualities: Iterable[int],
    anchors: Iterable[str],
    crfs: Iterable[int],
    options: dict[str, object],
    max_frames: int | None = None,
) -> list[Job]:
    """All jobs, ours first since they take longest. `options`: of `parse_options`; its GOP is the anchors' too.

    Raises UsageError if a quality or an option has a value that is not accepted, or if nothing is to be measured.
    """
    options = {"scenecut": 0, **options}
    gop, qualities, crfs = options.pop("gop", GOP), sorted(set(qualities)), sorted(set(crfs))
    ours = [EncodeOptions(quality=quality, gop=gop, **options) for quality in qualities]
    version = model_version(ours[0]) if ours else ""
    jobs = [Job(clip, OURS, quality, gop, version, options, max_frames) for clip in clips for quality in qualities]
    library = f"PyAV {av.__version__}"
    jobs += [Job(clip, codec, crf, gop, library, {}, max_frames) for codec in anchors for clip in clips for crf in crfs]
    if not jobs:
        raise UsageError("nothing to measure; accepted: at least one quality, or an anchor and a CRF")
    return jobs


def parse_options(settings: Iterable[str]) -> dict[str, object]:
    """KEY=VALUE of EncodeOptions' fields but quality and targets; values as in JSON, or else text. Raises UsageError for other keys."""
    known = [field.name for field in fields(EncodeOptions) if field.name != "quality" and not field.name.startswith("target_")]
    options: dict[str, object] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if key not in known or not equals:
            raise UsageError(f"encode option is {setting!r}; accepted: KEY=VALUE with KEY of {', '.join(known)}")
        options[key] = _parse_value(value)
    return options


def _parse_value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


def model_version(options: EncodeOptions) -> str:
    """What decides our bits beside the options: the release, and the ids of the models."""
    codec = load_codec(options.intra, options.inter, device=options.device)
    ids = [model.id.hex() for model in (codec.intra, codec.inter) if model is not None]
    return f"{__version__} with models {' and '.join(ids)}"
