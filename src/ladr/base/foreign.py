"""Files that others wrote: regular files of bounded size, whose text is UTF-8 and whose JSON is whole."""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO

from ladr.base.errors import LadrError

MOST_TEXT = 256 << 20  # bytes of a text file
LONGEST_LINE = 1 << 20  # characters
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # how JSON writes half of a character


def opened(path: Path, most: int) -> BinaryIO:
    """The file, open for reading. A pipe, a device, a socket, a folder and a file of more than `most` bytes
    are refused before anything is read."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except ValueError as error:  # a NUL in the name
        raise LadrError(f"{path}: is no name of a file ({error})") from None
    except OSError as error:
        raise LadrError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise LadrError(f"{path}: is no regular file")
        if about.st_size > most:
            raise LadrError(f"{path}: has {about.st_size} bytes; at most {most} are read")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, most: int = MOST_TEXT) -> bytes:
    """The content of a regular file of at most `most` bytes."""
    with opened(path, most) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def decoded(data: bytes, where: str) -> str:
    """UTF-8 text without its byte order mark. Other encodings and NUL are refused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LadrError(f"{where}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    if "\0" in text:
        raise LadrError(f"{where}: holds a NUL, so it is no text")
    return text


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """The text of a file; every kind of line end is a newline."""
    return decoded(read_bytes(path, most), str(path)).replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path, longest: int = LONGEST_LINE) -> list[str]:
    """The lines of a text file without their newlines; one longer than `longest` is refused."""
    lines = read_text(path).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > longest:
            raise LadrError(f"{path}: row {number} has {len(line)} characters; at most {longest} are read")
    return lines


def parsed(text: str, where: str = "") -> Any:
    """The JSON value in the text. LadrError where it is broken, nested without end, or holds half of a
    character."""
    place = f"{where}: " if where else ""
    try:
        value = json.loads(text)
        if SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise LadrError(f"{place}not valid JSON: it is nested too deeply") from None
    except UnicodeEncodeError:
        raise LadrError(f"{place}not valid JSON: a text in it holds half of a character") from None
    except ValueError as error:
        raise LadrError(f"{place}not valid JSON: {error}") from None
    return value


def read_json(path: Path, most: int = MOST_TEXT) -> Any:
    """The JSON value in a file."""
    return parsed(read_text(path, most), str(path))
