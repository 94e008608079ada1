"""README.md of a folder of figures: every figure and table by topic, with a small picture and its caption."""

from collections.abc import Iterator
from pathlib import Path

from ladr.base.files import write_text
from ladr.figures.frame.claims import digest

NAME = "README.md"
SECTIONS = {
    "Every comparison in words": ("findings",),
    "Against plain decoding, at every number of passes": ("quality",),
    "Tables": ("table", "delayed"),
    "The paper's numbers, and whether they agree with each other": ("paper", "audit"),
    "The method at work": ("films", "method", "samples", "dependence", "reach"),
    "Ablations": ("figure", "decomposition", "saved"),
    "Sweeps": ("alpha", "thresholds", "steps"),
    "Phases": ("phases", "passing"),
    "Distance from the truth, and diversity": ("divergence", "diversity"),
}
REST, GALLERY = "More", "gallery.html"
WIDTH = 420  # pixels of a small picture
EXPLAINED = (
    "Drawn by `ladr figures` from `results/`; every file names backbone, prompts, images, machine and date. "
    "How to read an interval, and what was found: `docs/results.md`."
)


def write(folder: Path) -> Path:
    """Write README.md about the figures and tables in the folder; the same files give the same bytes."""
    captions = {path.stem: path for path in sorted(folder.glob("*.md")) if path.name != NAME}
    lines = ["# Figures and tables", "", EXPLAINED, ""]
    if (folder / GALLERY).is_file():
        lines += [f"[{GALLERY}]({GALLERY}): open it in a browser to play decoding step by step.", ""]
    claims = digest(folder)
    if claims:
        lines += ["## The paper's claims, one line each", "", *claims, ""]
    for heading, stems in _sections(list(captions)):
        lines += [f"## {heading}", ""]
        lines += [_entry(captions[stem], folder) for stem in stems]
        lines += [""]
    path = folder / NAME
    write_text(path, "\n".join(lines).rstrip("\n") + "\n")
    return path


def _sections(stems: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each heading with the names below it: every name occurs once."""
    left = list(stems)
    for heading, firsts in SECTIONS.items():
        own = [stem for first in firsts for stem in left if stem.startswith(first)]
        if own:
            yield heading, own
        left = [stem for stem in left if stem not in own]
    if left:
        yield REST, left


def _entry(path: Path, folder: Path) -> str:
    """One line with the title as a link, and below it the figure, if there is one."""
    title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    line = f"- [{title}]({path.name})"
    if (folder / f"{path.stem}.csv").is_file():
        line += f" ([csv]({path.stem}.csv))"
    picture = f"{path.stem}.png"
    if (folder / picture).is_file():
        line += f'<br>\n  <a href="{path.name}"><img src="{picture}" width="{WIDTH}" alt="{title}"></a>'
    return line
