"""A short run of the fuzzer, always the same one. Long ones: tools/trials/fuzz_streams.py --seconds N."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "trials" / "fuzz_streams.py"


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("fuzz_streams", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOL.parent))  # where it finds its mutants
        spec.loader.exec_module(module)
        yield module


def test_mutants_give_what_is_right_or_one_error(tool: ModuleType) -> None:
    fuzzer = tool.Fuzzer(7, None, most_seconds=float("inf"), most_megabytes=256)
    for _ in range(60):
        fuzzer.step()
    assert fuzzer.failures == 0
    assert fuzzer.counts["mutants"] == 60
    assert 10 < fuzzer.counts["mended"] < 50
    assert fuzzer.counts["frames_checked_in"] > 3
    assert 0 < fuzzer.counts["errors"] < fuzzer.counts["operations"]


def test_wrong_frames_crashes_and_memory_are_noticed(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def operations(*_: object, **__: object) -> list:
        return [lambda: {}["none"], lambda: tool.check_frame(frame, {0: "other"}), grows]

    def grows() -> None:
        monkeypatch.setattr(tool, "peak_kilobytes", lambda: 1 << 40)

    frame = next(iter(tool.streamcodec.open(tool.seeds()[0].data)))
    fuzzer = tool.Fuzzer(7, tmp_path, most_seconds=float("inf"), most_megabytes=64)
    monkeypatch.setattr(tool, "operations", operations)
    fuzzer.step()
    assert (fuzzer.counts["crashes"], fuzzer.counts["wrong"], fuzzer.counts["large"]) == (1, 1, 1)
    assert len(list(tmp_path.iterdir())) == 3


def test_mended_mutants_have_right_checksums(tool: ModuleType) -> None:
    for seed in tool.seeds():
        assert sys.modules["mutants"].mended(seed.data) == seed.data
        if seed.places:
            at = seed.places[0].end - 1
            broken = seed.data[:at] + bytes([seed.data[at] ^ 1]) + seed.data[at + 1 :]
            assert [
                type(item).__name__
                for item in tool.Reader(tool.io.BytesIO(sys.modules["mutants"].mended(broken)))
            ] == ["Packet"] * len(seed.packets)
