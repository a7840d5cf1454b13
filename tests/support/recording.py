"""Looks at the symbols that pass between a model and the entropy coder."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import Tensor

from streamcodec.codec.channel import DecoderChannel, EncoderChannel

CHANNELS = {"encode": EncoderChannel, "decode": DecoderChannel}


class SymbolsOf:
    """Records the symbols that pass a channel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    @contextmanager
    def recording(self, side: str) -> Iterator[list[Tensor]]:
        channel = CHANNELS[side]
        code, record = channel.code, []

        def recorded(self: object, symbols: Tensor | None, indexes: Tensor) -> Tensor:
            record.append(code(self, symbols, indexes).clone())  # type: ignore[arg-type]
            return record[-1]

        with self._monkeypatch.context() as patch:
            patch.setattr(channel, "code", recorded)
            yield record
