"""Work on more than one process or machine, with Ray; installed as `streamcodec.pipelines`. Nothing in streamcodec itself needs Ray.

streamcodec.pipelines.transcode("videos/", "coded/", coding=Coding(options=EncodeOptions(quality=40)))
"""

from importlib import import_module

__all__ = ["Coding", "SchedulerOptions", "estimate", "evaluate", "read_ssf", "transcode"]

_HOME = {
    "Coding": "transcoding.recipe",
    "SchedulerOptions": "transcoding.schedule.options",
    "estimate": "transcoding.estimate",
    "evaluate": "evaluation.run",
    "read_ssf": "reading.dataset",
    "transcode": "transcoding.run",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
