"""Prompt text to ids, from the files of a checkpoint and nothing else."""

from pathlib import Path

from ladr.backbones.checkpoint.hub import again
from ladr.base.errors import LadrError, nearest
from ladr.base.foreign import read_text
from ladr.base.tensor_files import within

MOST_BYTES = 64 << 20  # of a tokenizer's file

UNWRITTEN = "<[²³"  # first characters of tokens that nobody types: marks, and parts inside a word


class Words:
    """A checkpoint's tokenizer: `ids(text)`, with the unknown words of a word-level vocabulary refused."""

    def __init__(self, folder: str | Path):
        from tokenizers import Tokenizer

        folder = Path(folder)
        files = [folder / "tokenizer.json", folder / "tokenizer" / "tokenizer.json"]
        path = next((file for file in files if file.is_file()), None)
        if path is None:
            mend = again(folder, False, "a checkpoint folder has one")
            raise LadrError(f"{folder}: no tokenizer.json; {mend}")
        text = read_text(within(path, folder), MOST_BYTES)
        try:
            self._tokenizer = Tokenizer.from_str(text)
        except Exception as error:  # the library raises a bare Exception
            raise LadrError(f"{path}: not a tokenizer file ({error})") from None
        if not self._tokenizer.get_vocab():
            raise LadrError(f"{path}: not a tokenizer file (it has no words)")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.path = path
        self._unknown = getattr(self._tokenizer.model, "unk_token", None)

    def size(self) -> int:
        """One more than the largest id."""
        return max(self._tokenizer.get_vocab().values()) + 1

    def ids(self, text: str, where: str = "prompt") -> list[int]:
        """The ids of `text`; `where` names it in messages."""
        encoding = self._tokenizer.encode(text)
        if self._unknown in encoding.tokens:
            start, end = encoding.offsets[encoding.tokens.index(self._unknown)]
            raise LadrError(
                f"{where}: {text[start:end]!r} is not a word of this model{self._known(text[start:end])}"
            )
        return encoding.ids

    def _known(self, word: str) -> str:
        return nearest(word, [w for w in self._tokenizer.get_vocab() if w[:1] not in UNWRITTEN])
