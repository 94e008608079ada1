"""How many offenders each room still has: these numbers may only shrink, and a rule without any is strict."""

OWED = {
    "circles": {
        "experiment": 1,
    },
    "long functions": {
        "decoding": 1,
    },
    "long files": {},
    "wide functions": {
        "backbones": 1,
        "training": 2,
    },
    "fillers": {
        "backbones": 21,
        "base": 2,
        "cli": 22,
        "decoding": 14,
        "experiment": 76,
        "paper": 3,
        "speed": 6,
        "training": 11,
    },
}
