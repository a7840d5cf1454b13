"""The entropy coder, the context model, integer networks and the checksum, in C++ (native/).

native/src/coder/stream.hpp specifies the coded bytes, native/src/context/context.hpp the integers and the order of the context model.

Arrays must be C-contiguous numpy arrays of exactly the stated dtype; they are read in place. Coding releases the GIL, so
threads that have objects of their own run side by side.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, final

import numpy as np
from _typeshed import ReadableBuffer
from numpy.typing import NDArray

_InstructionSet = Literal["scalar", "avx2", "avx512", "neon"]

PROBABILITY_BITS: Final = 14

@final
class Tables:
    """Probability tables, checked once and immutable: any number of coders and threads may share them.

    quantized_cdf int32 (K, L), cdf_length int32 (K,), offset int32 (K,), K in 1..65536. Row k is the first cdf_length[k] entries
    of quantized_cdf[k]: 0, rising strictly, 16384. It codes the cdf_length[k] - 2 values offset[k], offset[k] + 1, ... and
    the escape for all others. With cdf_length 2 it is certain: always offset[k], never coded. Raises UsageError.
    """

    def __init__(
        self,
        quantized_cdf: NDArray[np.int32],
        cdf_length: NDArray[np.int32],
        offset: NDArray[np.int32],
    ) -> None: ...
    @property
    def rows(self) -> int: ...

@final
class SymbolEncoder:
    """Codes symbols into one stream. All instruction sets write the same bytes; None is the default one.

    `lanes` are coded side by side: more take less time and more bytes (2.3 each). None is what suits the number of symbols.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        lanes: Literal[1, 4, 32] | None = None,
        instruction_set: _InstructionSet | None = None,
    ) -> None: ...
    def put(self, symbols: NDArray[np.int32], indexes: NDArray[np.uint16]) -> None:
        """Append symbols int32 (n,), any value of int32, each coded with the row of `tables` that indexes uint16 (n,) names.

        rANS codes from the last symbol to the first, so this keeps its own 4 bytes for each coded symbol until finish().
        Raises UsageError, having appended nothing: shapes differ, an index is not a row, or a symbol is not the certain row's.
        """

    def finish(self) -> bytes:
        """The stream of everything put: b"" if nothing but certain symbols was. Raises UsageError when called again."""

@final
class SymbolDecoder:
    """Decodes a stream. `data` is any contiguous bytes-like object; it is not copied and must not change meanwhile.

    Raises CorruptStreamError or its TruncatedStreamError, here, in get() or in finish(), for a stream that is damaged, was coded
    with other tables, or is read with other indexes than it was written with, as far as that can be seen from the stream.
    After an error the decoder is of no more use.
    """

    def __init__(
        self,
        tables: Tables,
        data: ReadableBuffer,
        *,
        instruction_set: _InstructionSet | None = None,
    ) -> None: ...
    def get(self, indexes: NDArray[np.uint16]) -> NDArray[np.int32]:
        """The next symbols, int32 (n,), for indexes uint16 (n,), in the order of put(); the division into calls may differ."""

    def finish(self) -> None:
        """Check that the stream was read to its end and that every state came back to the first one."""

@final
class ContextModel:
    """A latent of M channels coded with the context of what was coded before, in exact integers. Immutable: threads may share it.

    Made of what a ContextData (streamcodec/entropy/context.py) holds. weights int16 (inputs, outputs), shifts int32 (blocks of
    inputs, outputs) and biases int32 (outputs,) of each layer, the masked convolution first; slopes int32 (layers,);
    taps int32 (T, 2); thresholds int32 (K,). Q12 is int32 with 12 bits after the point.
    Raises UsageError for numbers with which a sum could overflow, and others.
    """

    def __init__(
        self,
        schedule: str,
        taps: NDArray[np.int32],
        weights: Sequence[NDArray[np.int16]],
        shifts: Sequence[NDArray[np.int32]],
        biases: Sequence[NDArray[np.int32]],
        slopes: NDArray[np.int32],
        thresholds: NDArray[np.int32],
    ) -> None: ...
    @property
    def channels(self) -> int:
        """M."""

    @property
    def features(self) -> int:
        """F: channels that the hyperprior gives."""

    @property
    def tables(self) -> int:
        """Rows of the tables that it chooses among: the first ones."""

    def encode(
        self,
        encoder: SymbolEncoder,
        values: NDArray[np.int32],
        features: NDArray[np.int32],
        *,
        threads: int = 1,
        instruction_set: _InstructionSet | None = None,
    ) -> NDArray[np.int32]:
        """Put the symbols of values (h, w, M), Q12, into `encoder` -> y_hat (h, w, M), Q12.

        features: (h, w, F), Q12 within +-2^24. Up to `threads` (1..256) work; their number and the instruction set make no difference.
        Raises UsageError for shapes, features or tables that are not accepted.
        """

    def decode(
        self,
        decoder: SymbolDecoder,
        features: NDArray[np.int32],
        *,
        threads: int = 1,
        instruction_set: _InstructionSet | None = None,
    ) -> NDArray[np.int32]:
        """Get the symbols from `decoder` -> the same y_hat. Raises UsageError, CorruptStreamError or TruncatedStreamError."""

    def choose(
        self,
        tables: Tables,
        values: NDArray[np.int32],
        features: NDArray[np.int32],
        *,
        threads: int = 1,
        instruction_set: _InstructionSet | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint16]]:
        """What encode() would put into an encoder with these tables: (y_hat, symbols, indexes), each (h, w, M)."""

@final
class Network:
    """A network of integer convolutions (streamcodec/engine), checked once and immutable: workspaces and threads may share it.

    slots: (name, channels, max_abs, is_given) each. stages: (name, layers) each, a layer being a dict: see streamcodec/engine/native.py.
    native/src/engine/network.hpp says what is computed, and what of a program is refused: raises UsageError.
    """

    def __init__(
        self,
        slots: Sequence[tuple[str, int, int, bool]],
        stages: Sequence[tuple[str, Sequence[dict[str, Any]]]],
    ) -> None: ...
    @property
    def slots(self) -> list[str]: ...
    @property
    def stages(self) -> list[str]: ...

@final
class Workspace:
    """The feature maps of a network. sizes: (height, width) of each slot that is given. Raises UsageError for sizes that do not fit."""

    def __init__(self, network: Network, sizes: Mapping[str, tuple[int, int]]) -> None: ...
    def put(self, slot: str, values: NDArray[np.int16]) -> None:
        """Fill a slot: int16 (height, width, channels) within its max_abs. Raises UsageError."""

    def get(self, slot: str) -> NDArray[np.int16]:
        """A copy of a slot: int16 (height, width, channels)."""

    def run(
        self, stage: str, *, condition: int = 0, threads: int = 1, kernels: str | None = None
    ) -> None:
        """Run a stage, without the GIL. condition: -256..256. Threads (1..256) and kernels make no difference to the numbers.

        kernels: one of network_kernels(); None is the best of the default instruction set. Raises UsageError.
        """

    def multiplications(self, stage: str) -> int: ...

def network_kernels() -> tuple[str, ...]:
    """The loops that this build and CPU have for networks, from the plainest to the widest; the first is "scalar"."""

def network_peak(kernels: str, rounds: int) -> int:
    """Make as many products as registers alone allow and return their number: for measurements. 0 if the loops have no such thing."""

@final
class Reference:
    """A decoded frame, and what frames after it need of it: an immutable value. Made by IntraModel and InterModel."""

    def __init__(
        self,
        planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
        size: tuple[int, int] | None = None,
        *,
        key: Reference | None = None,
        motion: MotionField | None = None,
        magnitudes: NDArray[np.uint8] | None = None,
        row_sums: NDArray[np.int32] | None = None,
    ) -> None:
        """A frame that was decoded elsewhere. Y, U and V of `size`, None being Y's, or of what it is padded to.

        Without more an I-frame; a P-frame also has the I-frame of its GOP, its motion, its magnitudes and its row sums. Raises
        UsageError.
        """

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""

    @property
    def key(self) -> bool:
        """Whether it is an I-frame, with which a GOP begins."""

    @property
    def motion(self) -> MotionField | None:
        """Of a P-frame."""

    @property
    def magnitudes(self) -> NDArray[np.uint8] | None:
        """Of a P-frame: min(|symbol|, 255) of the latent, (h8, w8, 96)."""

    @property
    def row_sums(self) -> NDArray[np.int32] | None:
        """Of a P-frame: S of native/src/frame/adapt.hpp as step A and step B left them, (2, 96, 4, 8)."""

    def between(
        self, future: Reference, *, back: int, ahead: int, spanned_by_future: bool
    ) -> Reference:
        """What a B-frame is coded with, `back` frames behind this one and `ahead` before `future`, each 1..8.

        The motion of one of the two leads to the other: of `future` with `spanned_by_future`, else of this one, a B-frame. Raises
        UsageError for frames that do not fit.
        """

    def planes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Copies of Y (height, width), U and V (half of it, rounded up)."""

@final
class RowAdaptation:
    """How symbols move the rows of what follows: native/src/frame/adapt.hpp, for decoders that compute the rows themselves.

    `adapts`: False of weights of format 1; all symbols then add 0. Raises UsageError.
    """

    def __init__(self, tables: Tables, *, adapts: bool) -> None: ...
    def move(
        self, rows: NDArray[np.int16], sums: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Rows (grids, h16, w16, 96) limited to 0..63, and those moved by the shifts of the sums (96, 4, 8)."""

    def sums(self, rows: NDArray[np.uint8], symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """What symbols (grids, h16, w16, 96) add to the sums, with their rows before they were moved."""

class _FrameModel:
    """What IntraModel and InterModel have in common; there is no such class at run time."""

    def encode(
        self,
        planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
        quality: int,
        reference: Reference | None = None,
        *,
        threads: int = 1,
        preset: str = "medium",
        instruction_set: _InstructionSet | None = None,
        times: dict[str, float] | None = None,
        counts: list[NDArray[np.uint32]] | None = None,
    ) -> tuple[bytes, Reference]:
        """Code Y (height, width) uint8, U and V (half of it, rounded up), sides 1..16384, at quality 0..63 -> payload, what decode() gives.

        reference: of a P-frame the frame before, of the same size, as encode() or decode() gave it; of an I-frame None. preset: fast,
        medium, slow. threads (1..256) and the instruction set make no difference to the result. `times` gets the processor time of each
        part added, in seconds. `counts` gets an array (64, 65) of each step appended: how often symbols -32..31, and
        others, came in each row above 0 (native/src/frame/sets.hpp). Without the GIL. Raises UsageError.
        """

    def decode(
        self,
        payload: ReadableBuffer,
        size: tuple[int, int],
        reference: Reference | None = None,
        *,
        threads: int = 1,
        instruction_set: _InstructionSet | None = None,
        times: dict[str, float] | None = None,
    ) -> Reference:
        """Decode a frame of (height, width) pixels. Raises UsageError, CorruptStreamError or its TruncatedStreamError."""

@final
class IntraModel(_FrameModel):
    """Codes I-frames: native/src/frame/frame.hpp has the specification, streamcodec/codec/dct_weights.py says what the arguments are.

    Immutable: any number of threads may code at once. Raises UsageError for numbers that are not accepted.
    """

    def __init__(
        self,
        network: Network,
        tables: Tables,
        *,
        step: NDArray[np.int32],
        gain: NDArray[np.int32],
        rd_lambda: NDArray[np.int32],
        log_table: NDArray[np.int16],
        adapts: bool = True,
        sets: int = 1,
        linear_channels: NDArray[np.int32],
    ) -> None: ...

@final
class InterModel(_FrameModel):
    """Codes P-frames; as IntraModel."""

    def encode(
        self,
        planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
        quality: int,
        reference: Reference | None = None,
        *,
        threads: int = 1,
        preset: str = "medium",
        instruction_set: _InstructionSet | None = None,
        times: dict[str, float] | None = None,
        counts: list[NDArray[np.uint32]] | None = None,
        hadamard: bool | Literal["auto"] = "auto",
    ) -> tuple[bytes, Reference]:
        """As that of IntraModel. hadamard: whether the weights' channels for that are transformed over each macroblock; auto: what
        takes less by an estimate. True raises UsageError where there are none."""

    def __init__(
        self,
        network: Network,
        tables: Tables,
        *,
        step: NDArray[np.int32],
        gain: NDArray[np.int32],
        rd_lambda: NDArray[np.int32],
        log_table: NDArray[np.int16],
        adapts: bool = True,
        sets: int = 1,
        motion_lambda: NDArray[np.int32],
        hadamard: NDArray[np.int32] | None = None,
    ) -> None: ...

def crc32c(data: ReadableBuffer, value: int = 0) -> int:
    """CRC-32C (Castagnoli) of `data` after bytes whose CRC is `value`: crc32c(b + c) == crc32c(c, crc32c(b))."""

def instruction_set() -> _InstructionSet:
    """The default: what the environment variable STREAMCODEC_SIMD names (read at first use), else the widest this CPU has.

    Raises UsageError if the variable names one that does not exist or that the CPU lacks.
    """

def instruction_sets() -> tuple[_InstructionSet, ...]:
    """Those that this build and CPU have, from the plainest to the widest; the first is "scalar"."""

@final
class MotionField:
    """What moves where in a frame of (R, C) macroblocks of 16x16 pixels: an immutable value. native/src/motion/field.hpp.

    modes uint8 (R, C): 0 from the previous frame, 1 from the key frame, 2 the average; filters uint8 (R, C): 0 sharp, 1 smooth, 2 blur;
    previous, key int16 (2 R, 2 C, 2): vectors (y, x) of the 8x8 blocks into both frames, quarter pixels in -1023..1023.
    Raises UsageError for others.
    """

    def __init__(
        self,
        modes: NDArray[np.uint8],
        filters: NDArray[np.uint8],
        previous: NDArray[np.int16],
        key: NDArray[np.int16],
    ) -> None: ...
    @property
    def modes(self) -> NDArray[np.uint8]: ...
    @property
    def filters(self) -> NDArray[np.uint8]: ...
    @property
    def previous(self) -> NDArray[np.int16]: ...
    @property
    def key(self) -> NDArray[np.int16]: ...
    def derived(
        self, *, previous: MotionField | None = None, has_key: bool = False, quality: int = 32
    ) -> MotionField:
        """This field with the vectors that are not coded as a reader derives them; a field of search() has them already."""

    def counts(
        self, *, previous: MotionField | None = None, has_key: bool = False, quality: int = 32
    ) -> NDArray[np.int64]:
        """How often each row codes each value, int64 (rows, 66): values from the row's first one up, escapes in the last place."""

@final
class MotionTables:
    """Tables to search and code motion with: rows first_row, first_row + 1, ... of `tables` are those of motion_alphabets().

    Everywhere: `previous` is the field of the frame before if it was a P-frame of the same GOP, has_key says whether a key frame besides
    the previous frame may be used, quality is 0..63. Raises UsageError.
    """

    def __init__(self, tables: Tables, first_row: int = 0) -> None: ...
    def bits(
        self,
        field: MotionField,
        *,
        previous: MotionField | None = None,
        has_key: bool = False,
        quality: int = 32,
    ) -> float: ...
    def write(
        self,
        encoder: SymbolEncoder,
        field: MotionField,
        *,
        previous: MotionField | None = None,
        has_key: bool = False,
        quality: int = 32,
    ) -> None: ...
    def read(
        self,
        decoder: SymbolDecoder,
        rows: int,
        columns: int,
        *,
        previous: MotionField | None = None,
        has_key: bool = False,
        quality: int = 32,
    ) -> MotionField:
        """Raises CorruptStreamError or TruncatedStreamError."""

    def search(
        self,
        luma: NDArray[np.uint8],
        reference: NDArray[np.uint8],
        key: NDArray[np.uint8] | None = None,
        previous: MotionField | None = None,
        *,
        quality: int = 32,
        lambda_16: int,
        preset: Literal["fast", "medium"] = "medium",
        threads: int = 1,
        instruction_set: _InstructionSet | None = None,
    ) -> MotionField:
        """The field of `luma` (H, W) against the decoded luma of the previous frame and, where given, of the key frame.

        Minimises squared error + lambda_16 / 16 * bits (streamcodec.quality has what is usual). has_key is true if `key` is given.
        Threads and instruction sets make no difference.
        """

def predict_motion(
    field: MotionField,
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
    key: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    *,
    threads: int = 1,
    instruction_set: _InstructionSet | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Y, U, V of the prediction, sides padded to multiples of 16 (8 for U, V); native/src/motion/predict.hpp. Raises UsageError."""

def motion_alphabets() -> NDArray[np.int32]:
    """Rows of motion symbols, int32 (rows, 2): first value and number of values of each."""

def motion_filters() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Taps of native/src/motion/filters.hpp: luma (3 filters, 4 fractions, 8), chroma (3, 8, 4)."""

@final
class CutDetector:
    """Finds where scenes begin in luma; native/src/motion/scenecut.hpp. `threshold` 0 (off) to 65536. Raises UsageError for another."""

    def __init__(
        self, threshold: int, *, instruction_set: _InstructionSet | None = None
    ) -> None: ...
    def is_cut(self, luma: NDArray[np.uint8]) -> bool:
        """Whether the frame of luma (H, W) begins a scene; frames come in order, the first one does not. Raises UsageError."""

    @property
    def score(self) -> float:
        """Of the last frame, 0 (like the one before) to 1."""
