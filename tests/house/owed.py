"""How many offenders each room still has: these numbers may only shrink, and a rule without any is strict."""

OWED = {
    "circles": {},
    "long functions": {},
    "long files": {},
    "wide functions": {},
    "fillers": {},
    "shared names": {},
}
