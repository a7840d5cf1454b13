"""Work on more than one process or machine, with Ray; installed as `streamcodec.pipelines`. Nothing
else of streamcodec needs Ray.

    coding = Coding(options=EncodeOptions(quality=40))
    streamcodec.pipelines.transcode("videos/", "coded/", coding=coding)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparing.run import compare
    from .evaluation.run import evaluate
    from .reading.dataset import read_ssf
    from .train import train_on_workers
    from .transcoding.estimate import estimate
    from .transcoding.recipe import Coding
    from .transcoding.run import transcode
    from .transcoding.schedule.options import SchedulerOptions

_HOME = {
    "Coding": "transcoding.recipe",
    "SchedulerOptions": "transcoding.schedule.options",
    "compare": "comparing.run",
    "estimate": "transcoding.estimate",
    "evaluate": "evaluation.run",
    "read_ssf": "reading.dataset",
    "train_on_workers": "train",
    "transcode": "transcoding.run",
}
__all__ = [
    "Coding",
    "SchedulerOptions",
    "compare",
    "estimate",
    "evaluate",
    "read_ssf",
    "train_on_workers",
    "transcode",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
