"""Sources that are read once, from front to back."""

import io


class Pipe(io.RawIOBase):
    """As the standard library makes them: it says that it cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)


class Reading:
    """An object that has `read` and no other method."""

    name = "pipe"

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)
