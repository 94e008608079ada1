"""Is there a server of MLflow at an address? It is asked once, before MLflow tries again and again."""

import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from ladr.base.errors import FailedError, LadrError

SECONDS = 3.0
SQLITE = "sqlite:///"
MEND = "start the server, or correct MLFLOW_TRACKING_URI (unset, results/mlflow.db is used)"


def _require_database(path: Path, uri: str) -> None:
    """LadrError if no database can be at this path; MLflow would try for a minute."""
    try:
        if path.exists() and not path.is_file():
            raise sqlite3.DatabaseError("it is no regular file")
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
    except (sqlite3.Error, OSError, ValueError) as error:
        raise LadrError(f"MLflow: {uri[:200]!r} cannot be used ({error}); {MEND}") from None


def require_answer(uri: str) -> None:
    """LadrError if the address is no address, or if nobody answers there within SECONDS.

    A file of SQLite must be one, or be able to be made. Other addresses are left to MLflow.
    """
    if uri.startswith(SQLITE):
        _require_database(Path(uri.removeprefix(SQLITE).partition("?")[0]), uri)
    try:
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https"):
            return
        if not parts.hostname or parts.port == 0:
            raise ValueError("it names no server")
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=SECONDS):
            pass
    except urllib.error.HTTPError:  # an answer all the same, perhaps from a server that wants a password
        return
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise FailedError(f"MLflow: {uri[:200]} does not answer ({reason}); {MEND}") from None
    except (ValueError, HTTPException) as error:
        raise LadrError(f"MLflow: {uri[:200]!r} is no address ({error}); {MEND}") from None
