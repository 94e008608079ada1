"""Try everything hostile, and say how much of it was refused: `make hostile`."""

import sys
import tempfile
from pathlib import Path

from trust import answers, checkpoints, images, network, official, pages, weights, written
from trust.box import Tally, tried

FAMILIES = {
    "images": images.attempts,
    "official": official.attempts,
    "checkpoints": checkpoints.attempts,
    "weights": weights.attempts,
    "answers": answers.attempts,
    "written": written.attempts,
    "pages": pages.attempts,
    "network": network.attempts,
}


def main() -> int:
    tally = Tally()
    for family, attempts in FAMILIES.items():
        before = Tally(**vars(tally))
        for attempt in attempts():
            with tempfile.TemporaryDirectory(prefix="ladr-hostile-") as root:
                fault = tried(attempt, Path(root), tally)
            if fault:
                print(f"{attempt.name}: {fault}", flush=True)
        print(f"{family}: {tally.refused - before.refused} of {tally.tried - before.tried}", flush=True)
    print(tally)
    return tally.refused < tally.tried or tally.executed > 0 or tally.touched > 0


if __name__ == "__main__":
    sys.exit(main())
