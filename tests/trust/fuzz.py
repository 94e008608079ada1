"""Draw thousands of inputs for every door and say how many were refused or answered: `make fuzz`."""

import argparse
import sys

from trust.doors import DOORS
from trust.fuzzed import Tally, drawn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="where the drawing starts")
    parser.add_argument("--times", type=float, default=1.0, help="how many times as many examples")
    parser.add_argument("--door", choices=DOORS, action="append", help="only this door")
    options = parser.parse_args()
    everything = Tally()
    for name in options.door or DOORS:
        tally = Tally()
        drawn(DOORS[name], max(1, int(DOORS[name].examples * options.times)), options.seed, tally.add)
        for fault, example in tally.faults.items():
            print(f"{name}: {fault}: {str(example)[:600]!r}", flush=True)
        print(f"{name}: {tally}", flush=True)
        everything.tried += tally.tried
        everything.held += tally.held
    print(everything)
    return everything.held < everything.tried


if __name__ == "__main__":
    sys.exit(main())
