"""Is there a server of MLflow at an address? It is asked once, before MLflow tries again and again."""

import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from ladr.base.errors import LadrError

SECONDS = 3.0
MEND = "start the server, or correct MLFLOW_TRACKING_URI (unset, results/mlflow.db is used)"


def require_answer(uri: str) -> None:
    """LadrError if the address is no address, or if nobody answers there within SECONDS.

    Addresses that are no web addresses (a database, a folder) are left to MLflow.
    """
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
        raise LadrError(f"MLflow: {uri[:200]} does not answer ({reason}); {MEND}") from None
    except (ValueError, HTTPException) as error:
        raise LadrError(f"MLflow: {uri[:200]!r} is no address ({error}); {MEND}") from None
