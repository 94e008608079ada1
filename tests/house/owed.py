"""How many offenders each room still has: these numbers may only shrink, and a rule without any is strict."""

OWED = {
    "circles": {},
    "long functions": {
        "decoding": 1,
    },
    "long files": {},
    "wide functions": {
        "backbones": 1,
    },
    "fillers": {
        "backbones": 19,
        "base": 2,
        "cli": 5,
        "decoding": 11,
        "experiment": 62,
        "speed": 4,
        "training": 8,
    },
}
