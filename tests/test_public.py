import streamcodec
from streamcodec import errors

PUBLIC = {
    "Codec",
    "CorruptStreamError",
    "DecodeReport",
    "EncodeOptions",
    "EncodeReport",
    "EncodedGop",
    "Encoder",
    "FormatError",
    "Frame",
    "FrameBatch",
    "FrameIndexError",
    "ImageReport",
    "ModelError",
    "NotInstalledError",
    "OutputError",
    "PartReport",
    "PlannedGop",
    "Prediction",
    "SearchReport",
    "SourceError",
    "SourceIdentity",
    "StreamCodecError",
    "Target",
    "TruncatedStreamError",
    "UnsupportedStreamError",
    "UsageError",
    "Video",
    "VideoDataset",
    "VideoPlan",
    "__version__",
    "check_part",
    "decode",
    "decode_gop",
    "decode_image",
    "encode",
    "encode_gop",
    "encode_image",
    "encode_part",
    "identify",
    "join_parts",
    "load_codec",
    "open",
    "plan_video",
    "search",
    "verify",
}


def test_public_names_are_these_and_all_exist() -> None:
    assert set(streamcodec.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(streamcodec, name) is not None


def test_unknown_name_fails() -> None:
    assert not hasattr(streamcodec, "nonsense")


def test_errors_have_one_root() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, int):  # an exit code
            continue
        assert issubclass(kind, errors.StreamCodecError)
        assert kind.exit_code in (1, 2, 3)
    assert issubclass(errors.FrameIndexError, IndexError)
    assert issubclass(errors.UsageError, ValueError)
