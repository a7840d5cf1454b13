"""Names of outputs, made of those of inputs."""

import pytest

from streamcodec.errors import UsageError
from streamcodec.pipelines.files.outputs import OutputNames
from streamcodec.pipelines.files.sources import Item

ITEM = Item("/in/a/b.mp4", "a/b.mp4", 1, "")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{relative}.ssf", "a/b.ssf"),
        ("{parent}/x-{name}.ssf", "a/x-b.mp4.ssf"),
        ("{stem}{suffix}.ssf", "b.mp4.ssf"),
        ("{stem}-{hash}.ssf", None),
    ],
)
def test_output_names(pattern: str, name: str | None) -> None:
    output = OutputNames("/out", pattern).of(ITEM)
    assert output == f"/out/{name}" if name else len(output) == len("/out/b-01234567.ssf")
    assert OutputNames("s3://bucket/out/", pattern).of(ITEM) == output.replace(
        "/out", "s3://bucket/out"
    )


def test_output_of_a_file_at_the_top_has_no_dot_folder() -> None:
    assert (
        OutputNames("/out", "{parent}/{stem}.ssf").of(Item("/in/b.mp4", "b.mp4", 1, ""))
        == "/out/b.ssf"
    )


@pytest.mark.parametrize(
    "pattern", ["{title}.ssf", "out.ssf", "{suffix}", "../{stem}.ssf", "/{stem}.ssf", "{stem", "{}"]
)
def test_impossible_pattern_fails(pattern: str) -> None:
    with pytest.raises(UsageError, match="pattern is"):
        OutputNames("/out", pattern)


def test_output_of_an_endless_name_fails() -> None:
    with pytest.raises(UsageError, match=r"a name of 100\d+ characters; accepted: 12288"):
        OutputNames("/out", "{stem:>100000}").of(ITEM)


def test_output_on_the_input_fails() -> None:
    with pytest.raises(UsageError, match=r"the output of /in/a/b\.mp4 would be that file itself"):
        OutputNames("/in", "{relative}.mp4").of(ITEM)
