"""What README, CONTRIBUTING and docs tell a reader to type."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md")}
)
BLOCK = re.compile(r"^(```(\w*)\n(.*?)^```|(?:    \S[^\n]*\n)+)", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")


def blocks(file, language):
    """The blocks of code in a language ("" for what is typed into a shell)."""
    for whole, name, text in BLOCK.findall(file.read_text(encoding="utf-8")):
        if name == language:
            yield text or re.sub(r"^    ", "", whole, flags=re.MULTILINE)


def typed(program):
    """(document, words, whole) of every call of a program: whole in a block, perhaps cut short in prose."""
    for file in DOCUMENTS:
        text = file.read_text(encoding="utf-8")
        lines = [x for block in blocks(file, "") for x in block.replace("\\\n", " ").splitlines()]
        prose = INLINE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        lines = [(line, True) for line in lines] + [(" ".join(one.split()), False) for one in prose]
        for line, whole in lines:
            for words in map(words_of, re.split(r"&&|;", line)):
                if words[:1] == [program] and "..." not in words:
                    yield file.name, words, whole


def words_of(line):
    """The words of a line as a shell splits them; none where a quotation mark of prose stands alone."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []
