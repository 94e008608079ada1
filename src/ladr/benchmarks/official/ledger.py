"""An append-only file of answers. It survives a kill."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError


class Ledger:
    """An append-only file of answers, one JSON line each, keyed by what was asked.

    A line is written whole and flushed to disk before the answer counts; a line that a kill cut short is
    ignored. One process writes at a time.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._alone()
            self.answers = dict(self._read())
        except BaseException:
            self.close()
            raise

    def _alone(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LadrError(f"{self.path}: another process is writing it") from error

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        text = self.path.read_bytes()
        if text and not text.endswith(b"\n"):
            os.write(self._file, b"\n")
        for line in text.split(b"\n"):
            try:
                row = json.loads(line)
                key = row["key"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            if isinstance(key, str):
                yield key, row

    def add(self, row: dict[str, Any]) -> None:
        """Keep `row` (with its "key") unless that key is kept already."""
        with self._lock:
            if row["key"] in self.answers:
                return
            line = json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
            if os.write(self._file, line) != len(line):
                raise LadrError(f"{self.path}: the disk is full; nothing more is asked")
            os.fsync(self._file)
            self.answers[row["key"]] = row

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
