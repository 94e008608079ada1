"""A port of this machine that a server is to listen on."""

import os
import socket

from ladr.base.errors import LadrError


def require_port(host: str, port: int) -> None:
    """LadrError where no server can listen, as where another one does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if (error.errno or 0) > 0 else error.strerror
        raise LadrError(
            f"port: {port} of {host} cannot be served on ({reason}); --port names another"
        ) from None
