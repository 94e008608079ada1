"""Names for what somebody made and is put aside."""

import os
from itertools import count
from pathlib import Path


def free_name(path: Path) -> Path:
    """A name beside `path` that nothing has, to put it aside under."""
    names = (path.with_name(f"{path.name}.aside{n or ''}") for n in count())
    return next(name for name in names if not os.path.lexists(name))
