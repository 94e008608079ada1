"""The picture world in words: styles, backgrounds, and how a prompt names a concept."""

STYLES = ("3D", "flat", "Noto")
BACKGROUNDS = {
    "white": (255, 255, 255),
    "black": (24, 24, 28),
    "blue": (120, 180, 240),
    "green": (140, 205, 130),
    "pink": (245, 160, 190),
}
IN_STYLE = (", {style} style", " in {style} style")
ON_COLOUR = (" on a {background} background", ", {background} background")
MASS = frozenset(
    "bacon bread broccoli butter cooking coral custard dango flatbread food garlic ice "
    "mate meat milk oden popcorn rice sake salad salt spaghetti sushi".split()
)


def thing(name: str) -> str:
    """The name with its article, or without one where English has none: "a tiger", "an owl", "grapes"."""
    head = name.split(" with ")[0].split(" of ")[0].split()[-1]
    plural = head.endswith("s") and not head.endswith(("ss", "us", "os"))
    if plural or head in MASS:
        return name
    vowel = name[0] in "aeiou" and not name.startswith(("uni", "ewe", "eu"))
    return f"{'an' if vowel else 'a'} {name}"


def prompt(name: str, style: str, background: str) -> str:
    """The prompt in its plainest form, as the benchmark asks it."""
    return thing(name) + IN_STYLE[0].format(style=style) + ON_COLOUR[0].format(background=background)
