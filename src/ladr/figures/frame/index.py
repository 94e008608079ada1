"""README.md of a folder of figures: every figure and table by topic, with a small picture and its caption."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ladr.base.files import require_beginning, write_text
from ladr.figures.frame import items
from ladr.figures.frame.claims import digest

NAME = "README.md"
SECTIONS = {
    "Every comparison in words": ("findings",),
    "Against plain decoding, at every number of passes": ("quality", "curves"),
    "Tables": ("table", "delayed"),
    "The paper's numbers, and whether they agree with each other": ("paper", "audit"),
    "The method at work": ("films", "method", "samples", "dependence", "reach"),
    "Ablations": ("figure", "decomposition", "saved"),
    "Sweeps": ("alpha", "thresholds", "steps"),
    "Under other settings": ("settings",),
    "Phases": ("phases", "passing"),
    "Distance from the truth, and diversity": ("divergence", "reliability", "masks", "diversity"),
}
TITLE = "# Figures and tables"
REST, GALLERY = "More", "gallery.html"
WIDTH = 420  # pixels of a small picture
EXPLAINED = (
    "Drawn by `ladr figures` from `results/`; every file names backbone, prompts, images, machine and date. "
    "How to read an interval, and what was found: `docs/results.md`."
)


def require_own(folder: Path) -> None:
    """LadrError where the folder has a README.md that is not such a list."""
    require_beginning(folder / NAME, TITLE, "list of figures")


def write(folder: Path, files: Iterable[Path] | None = None) -> Path:
    """Write README.md about these figures and tables in the folder; the same files give the same bytes.

    files: default all that lie in the folder. One that is named twice, or by other paths, is listed once.
    """
    named = folder.rglob("*") if files is None else files
    files = sorted({_below(folder, path) for path in named if path.is_file()})
    pages = [path for path in files if path.suffix == ".md" and path.name != NAME]
    lines = [TITLE, "", " ".join([EXPLAINED, *_other_names(pages)]), ""]
    if folder / GALLERY in files:
        lines += [f"[{GALLERY}]({GALLERY}): open it in a browser to play decoding step by step.", ""]
    lines += ["## The paper's tables and figures", "", *items.digest(folder, files), ""]
    claims = digest(files)
    if claims:
        lines += ["## The paper's claims, comparison by comparison", "", *claims, ""]
    for heading, own in _sections(pages):
        lines += [f"## {heading}", "", *(_entry(path, folder) for path in own), ""]
    path = folder / NAME
    write_text(path, "\n".join(lines).rstrip("\n") + "\n")
    return path


def _below(folder: Path, path: Path) -> Path:
    """A file in the folder, by the one path that begins as the folder's does."""
    return folder / (path.parent.resolve() / path.name).relative_to(folder.resolve())


def _other_names(pages: list[Path]) -> Iterator[str]:
    """A sentence about the folders whose names are not those of the backbones in their captions."""
    kinds: dict[str, str] = {}
    for path in pages:
        named = re.search(r"Backbone: ([\w.-]+),", path.read_text(encoding="utf-8"))
        if named:
            kinds.setdefault(path.parent.name, named[1])
    own = [f"`{name}` of {kind}" for name, kind in sorted(kinds.items()) if name.startswith(f"{kind}-")]
    if own:
        yield (
            f"Experiments of their own: {', '.join(own)}. The first tables name such a folder only where it "
            "says what the backbone's does not."
        )


def _sections(pages: list[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Each heading with the pages below it: every page occurs once."""
    left = sorted(pages, key=lambda path: path.name)
    for heading, firsts in SECTIONS.items():
        own = [path for first in firsts for path in left if path.stem.startswith(first)]
        if own:
            yield heading, own
        left = [path for path in left if path not in own]
    if left:
        yield REST, left


def _entry(path: Path, folder: Path) -> str:
    """One line with the title as a link, and below it the figure, if there is one."""
    title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    page, table, picture = (
        path.with_suffix(kind).relative_to(folder).as_posix() for kind in (".md", ".csv", ".png")
    )
    quoted = title.replace('"', "&quot;")
    line = f"- [{title}]({page})"
    if (folder / table).is_file():
        line += f" ([csv]({table}))"
    if (folder / picture).is_file():
        line += f'<br>\n  <a href="{page}"><img src="{picture}" width="{WIDTH}" alt="{quoted}"></a>'
    return line
