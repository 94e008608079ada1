"""Files in a cell's folder: its images in the official layout, and the official results of them."""

from collections.abc import Callable
from pathlib import Path

from ladr.base.files import read_json
from ladr.base.removal import remove
from ladr.benchmarks.official.folder import export, manifest_of, manifest_path
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.submission import Submission

IMAGES = "images"  # in a cell's folder: its images in the official layout, while they are scored
IMPORTED, WHOSE = "official", "import.json"  # in a cell's folder: official results, and whose they are


def export_images(layout: Suite, submission: Submission, to: Path) -> int:
    """Write the images below `to` in the official layout; returns how many files were new. An image that an
    earlier export beside `to`, or the cell's own folder, holds is linked; the rest is rendered."""
    total = sum(1 for _ in layout.files())

    def progress(done: int) -> None:
        if done % max(1, total // 10) == 0:
            submission.means.say(f"{submission.origin['cell']}: {done}/{total} image files")

    others = [submission.folder / IMAGES]
    return export(layout, to, submission.one_by_one(), submission.origin, progress, others)


def own_images(layout: Suite, submission: Submission) -> Callable[[], Path]:
    """A function that makes sure that the images lie in the cell's folder, and returns where."""

    def rendered() -> Path:
        images = submission.folder / IMAGES
        if manifest_of(images).get("tokens") != submission.origin["tokens"]:
            remove_images(submission.folder)
        export_images(layout, submission, images)
        return images

    return rendered


def remove_images(folder: Path) -> None:
    """Remove what `own_images` wrote into a cell's folder."""
    remove([folder / IMAGES, manifest_path(folder / IMAGES)], folder)


def imported_results(folder: Path, tokens: str) -> Path:
    """The folder of the official results of these tokens; a path where nothing is if there are none."""
    place = folder / IMPORTED
    record = place / WHOSE
    same = record.exists() and read_json(record).get("tokens") == tokens
    return place if same else place / "none"
