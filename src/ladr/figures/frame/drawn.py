"""What a figure was drawn from: it is drawn again only where its code, or something that it read, changed."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ladr.base import files, outside
from ladr.base.errors import LadrError
from ladr.experiment.plan.figures import code
from ladr.figures.frame.results import Results


@dataclass(frozen=True)
class DrawnFrom:
    """One module's figures: a digest of its code, of everything that it read by name, and its files, as seen
    from the folder of all figures."""

    code: str
    reads: dict[str, str]
    files: list[str]

    @classmethod
    def of(cls, name: str, results: Results, written: list[Path], out: Path) -> "DrawnFrom":
        """What was just drawn by the module of that name, which read `results.asked`."""
        reads = {asked: results.digest(asked) for asked in results.asked}
        return cls(code_of(name), reads, [path.relative_to(out).as_posix() for path in written])

    def holds(self, name: str, results: Results) -> bool:
        """Would the module draw the same again?"""
        same = bool(self.code) and self.code == code_of(name)
        return same and all(digest == _digest(results, asked) for asked, digest in self.reads.items())

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def code_of(name: str) -> str:
    """A digest of the files that decide how a figure looks; none for a figure from another package."""
    if outside.is_address(name):
        return ""
    import matplotlib

    parts = [matplotlib.__version__, *(files.sha256(Path(path)) for path in code(f"ladr.figures.{name}"))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(results: Results, asked: str) -> str | None:
    """The digest now; None where that cannot be read any more."""
    try:
        return results.digest(asked)
    except (LadrError, KeyError):
        return None
