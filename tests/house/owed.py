"""How many offenders each room still has: these numbers may only shrink, and a rule without any is strict."""

OWED = {
    "circles": {},
    "long functions": {},
    "long files": {},
    "wide functions": {
        "backbones": 1,
    },
    "fillers": {
        "backbones": 18,
        "base": 2,
        "decoding": 4,
        "experiment": 61,
        "training": 3,
    },
}
