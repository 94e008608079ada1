"""Where a result comes from: code, machine, libraries. It is never part of a cell's identity."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ladr.base.version import VERSION


def provenance(backbone: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Code, machine and libraries of this process. backbone: where what it loaded comes from, as
    `ladr.backbones.checkpoint.identity.loaded_from` tells it."""
    return {**_process(), **(backbone or {"weights": None, "hub": None})}


@cache
def _process() -> dict[str, Any]:
    """What does not change while this process lives."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "ladr": VERSION,
        **_git(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "cuda": torch.version.cuda if gpu else None,
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _git() -> dict[str, Any]:
    """The commit of the repository, and a hash of what differs from it; None outside a repository."""

    def git(*words: str) -> str | None:
        try:
            run = subprocess.run(["git", *words], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return run.stdout

    commit = git("rev-parse", "HEAD")
    changes = git("diff", "HEAD", "--", "src") if commit else None
    digest = hashlib.sha256(changes.encode()).hexdigest()[:12] if changes else None
    return {"commit": commit.strip() if commit else None, "dirty": bool(changes), "changes": digest}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), platform.processor()
    )
