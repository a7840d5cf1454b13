from pathlib import Path

from streamcodec.pipelines.files.layout import Places


def test_what_killed_drivers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    places = Places.of(tmp_path)
    places.make()
    work = Path(places.work)
    kept = {work / "driver-notes", work / "driver-0123456789abcdef0"}
    for path in (*kept, work / "driver-0123456789abcdef"):
        path.touch()
    places.clear()
    assert set(work.iterdir()) == kept
    with places.marked() as mark:
        assert (work / mark).exists()
        places.clear()
        assert not (work / mark).exists()
    assert set(work.iterdir()) == kept
