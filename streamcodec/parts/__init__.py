"""A video encoded in parts, which may be encoded by several processes at once: plan, encode, join.

    plan = parts.plan_video("in.mp4", quality=32)
    halves = plan.split(2)
    for number, gops in enumerate(halves):  # each may run on a machine of its own
        parts.encode_part("in.mp4", plan, gops, f"part{number}.ssf")
    parts.join_parts(plan, ["part0.ssf", "part1.ssf"], "out.ssf")

A part is whole GOPs, one behind the other. The joined stream is, byte for byte, what `streamcodec.encode` writes. `encode_in_jobs` does
all of it, in processes of this machine.
"""

from streamcodec.identity import SourceIdentity, identify
from streamcodec.parts.encode import encode_part
from streamcodec.parts.file import PartReport, check_part
from streamcodec.parts.join import join_parts
from streamcodec.parts.parallel import encode_in_jobs
from streamcodec.parts.plan import PlannedGop, VideoPlan, plan_video

__all__ = [
    "PartReport",
    "PlannedGop",
    "SourceIdentity",
    "VideoPlan",
    "check_part",
    "encode_in_jobs",
    "encode_part",
    "identify",
    "join_parts",
    "plan_video",
]
