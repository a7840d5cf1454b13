from pathlib import Path

from support.processes import printed_by

GOLDEN = Path(__file__).parent / "golden" / "v1.0-full.ssf"


def test_reading_header_and_index_imports_neither_numpy_nor_torch() -> None:
    code = (
        "import sys; from streamcodec.container import Reader\n"
        f"with open({str(GOLDEN)!r}, 'rb') as file: print(Reader(file).index.frame_count)\n"
        "print(sorted({'numpy', 'torch', 'av'} & set(sys.modules)))"
    )
    printed = printed_by(code)
    assert printed.split("\n") == ["6", "[]", ""]


def test_verify_without_decoding_imports_neither_numpy_nor_ffmpeg() -> None:
    code = (
        "import sys; from streamcodec.cli import run\n"
        f"code = run(['verify', '--no-decode', {str(GOLDEN)!r}])\n"
        "print(code, sorted({'numpy', 'torch', 'av', 'PIL'} & set(sys.modules)))"
    )
    printed = printed_by(code)
    assert printed.splitlines()[-1] == "0 []"
    assert "whole, 6 frames in 3 GOPs; not decoded" in printed
