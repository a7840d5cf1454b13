"""Motion of a frame against its references: search, overlapped prediction and coding. native/src/motion/ has the specification.

The work is done by `streamcodec._native`: MotionField, MotionTables (search, bits, write, read) and predict_motion.
"""

from streamcodec.motion.tables import (
    bootstrap_tables,
    default_motion_tables,
    default_tables,
    tables_from_counts,
)

__all__ = ["bootstrap_tables", "default_motion_tables", "default_tables", "tables_from_counts"]
