"""Lost frames are told by number and GOP."""

import pytest

from streamcodec.container import Index, IndexEntry, Loss, Losses, describe_losses

WHOLE = Index(tuple(IndexEntry(gop, 4 * gop, 4, 10 * gop, 100 * gop, 100) for gop in range(3)), 30)
HOLES = Index((IndexEntry(0, 0, 2, 0, 0, 100), IndexEntry(3, 12, 4, 30, 500, 100)), 40)


def losses(found: list[int], index: Index) -> tuple[Loss, ...]:
    gathered = Losses()
    for frame in found:
        gathered.found(frame)
    gathered.ends(index.frame_count)
    return gathered.named(index)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (range(12), []),
        ([*range(5), *range(8, 12)], ["frames 5..7 of GOP 1"]),
        (range(7), ["frame 7 of GOP 1", "frames 8..11 of GOP 2"]),
        ([], [f"frames {4 * gop}..{4 * gop + 3} of GOP {gop}" for gop in range(3)]),
        (range(4, 12), ["frames 0..3 of GOP 0"]),
    ],
)
def test_index_tells_the_gop(found: list[int], told: list[str]) -> None:
    assert [str(loss) for loss in losses(list(found), WHOLE)] == told


def test_without_a_stored_index_gops_are_told_as_far_as_they_are_known() -> None:
    lost = losses([0, 1, *range(12, 16)], HOLES)
    assert lost == (Loss(2, 11, 0, 2),)
    assert str(lost[0]) == "frames 2..11 of GOPs 0..2"


def test_sentence_names_eight_places() -> None:
    lost = losses([0], WHOLE)
    assert describe_losses(lost, 12) == (
        "11 of 12 frames are lost to damage: frames 1..3 of GOP 0; frames 4..7 of GOP 1; "
        "frames 8..11 of GOP 2"
    )
    many = losses(list(range(0, 40, 2)), Index((IndexEntry(0, 0, 39, 0, 0, 9),), 40))
    assert describe_losses(many, 40).endswith("frame 15 of GOP 0; and in 11 other places")
    assert describe_losses(losses(list(range(1, 12)), WHOLE), 12).startswith(
        "1 of 12 frames is lost"
    )
