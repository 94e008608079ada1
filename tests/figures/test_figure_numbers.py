"""No result is typed into the code of a figure: what may be a number there is listed here."""

import ast
import re

import pytest

from ladr.cli.figures import HERE

WORDS = (
    "95 %", "utf-8", "%.4f", "\\u003c", "base64", "Table 5", "0 for copies, 100 for black against white",
    "8 billion parameters", "1024x1024 pixels", "NVIDIA A100", "of 255", "(1: the eight neighbours)",
    "(0: inside)", "1 prompt", "Figure 5", "Figure 6", "/figure5", "/figure6",
    "Figure 1", "Figure 2", "Figure 3", "Figure 4", "paper-table5", "paper-figure5", "paper-figure6",
    "figure5-", "figure6-", "T2I-CompBench", "t2i",
    ":header-rows: 1",
)  # fmt: skip
ANYWHERE = {100}  # percent
ELSEWHERE = {  # layout
    "ablations.py": {40},
    "caption.py": {10},
    "compare.py": {30},
    "films.py": {10, 46, 255},
    "illustrations.py": {150},
    "index.py": {420},
    "matrix.py": {40},
    "passing.py": {20, 103, 104},
    "method.py": {12},
    "reach.py": {20, 98},
    "samples.py": {10, 13, 60},
    "style.py": {10, 200},
}
NAMED = re.compile(r"[A-Z_]+$")  # constants of layout; a result would be lower case, or data
DATA = {"plot", "bar", "barh", "errorbar", "scatter", "fill_between", "stairs", "step", "hist", "axhline",
        "imshow"}  # fmt: skip


def number(node):
    if isinstance(node, ast.UnaryOp):
        return number(node.operand)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def typed(node):
    """Is it nothing but numbers?"""
    if isinstance(node, (ast.List, ast.Tuple)):
        return bool(node.elts) and all(map(typed, node.elts))
    return number(node)


def unread(tree):
    """Constants that no reader sees: docstrings and format specifications."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            yield from ast.walk(node.format_spec)


def hits(tree, allowed=frozenset()):
    """(line, what) of everything that could be a result."""
    skipped = set(map(id, unread(tree)))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant):
            if _printed(node, ANYWHERE | set(allowed)):
                yield node.lineno, node.value
        elif _data(node):
            yield node.lineno, ast.unparse(node)


def _printed(node, allowed):
    """Does a reader see digits, or is it a number of two?"""
    if isinstance(node.value, str):
        return bool(_digits(node.value))
    return number(node) and abs(node.value) >= 10 and node.value not in allowed


def _data(node):
    """Does it hold numbers as data: assigned, in lists, under labels, handed to a plot?"""
    if isinstance(node, ast.Assign):
        names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        return typed(node.value) and not all(map(NAMED.match, names))
    if isinstance(node, (ast.List, ast.Set)):
        return sum(map(number, node.elts)) > 1
    if isinstance(node, ast.Dict):
        return any(_labelled(k, v) for k, v in zip(node.keys, node.values, strict=True))
    return (
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in DATA
        and any(map(typed, node.args[:2]))
    )


def _labelled(key, value):
    """A float under a key that is a label, not a keyword."""
    if not (isinstance(key, ast.Constant) and number(value)):
        return False
    return not str(key.value).replace(".", "_").isidentifier() or (
        str(key.value)[:1].isupper() and isinstance(ast.literal_eval(value), float)
    )


def _digits(text):
    for word in WORDS:
        text = text.replace(word, "")
    return re.search(r"\d", re.sub(r"\{[^}]*\}|#[0-9A-Fa-f]{6}$", "", text))


def test_no_result_is_typed_into_a_figure():
    typed_numbers = []
    for path in HERE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typed_numbers += [(path.name, *hit) for hit in hits(tree, ELSEWHERE.get(path.name, ()))]
    assert typed_numbers == []


@pytest.mark.parametrize(
    "code",
    [
        "x = [86.6, 87.8]",
        "y = 7.3",
        "y = -0.4",
        "a, b = 3, 4",
        "label = 'LADR (13.22 s)'",
        "label = 'LADR: 87'",
        "label = f'LADR in {passes} of 64 passes'",
        "text = '{a} beats 7 others'",
        "z = max(87.3, value)",
        "z = 13 * t",
        "panel.bar(x, 7)",
        "panel.plot([1, 2], values)",
        "panel.axhline(9.5)",
        "panel.errorbar((3, 4), y)",
        "d = {'LADR': 3.2}",
        "d = {'Cosine, fewer': 3}",
        "frame['passes'] = 9",
    ],
)
def test_the_search_sees_typed_results(code):
    assert list(hits(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "WIDE = 7.2",
        "panel.set(xlim=(0, 1))",
        "panel.bar(x, 100 * share, 0.8)",
        "text = f'{value:.1f}'",
        "text = '{value:.3f} (95 % interval)'",
        "colour = '#0072B2'",
        "look = {'lw': 1.5}",
        "def f():\n    'of 64 passes'",
    ],
)
def test_the_search_lets_layout_be(code):
    assert list(hits(ast.parse(code))) == []


def test_the_page_holds_no_result():
    page = (HERE / "gallery.html").read_text(encoding="utf-8")
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert re.findall(r"\d+", re.sub(r"<[^>]*>", "", body)) == []
