"""LICENSES/third-party.md: the licence of every pinned package. `make licences` writes it again."""

from house.lock import ROOT, Package, installed, licence, packages

PAGE = ROOT / "LICENSES/third-party.md"
HEAD = """# Licences of what `make setup` installs

Written by `make licences` from the metadata of the installed packages; a test compares it with
`requirements.lock`. `ladr` itself is under Apache-2.0 (`LICENSE`). A package that is not needed where this
page was written stands without a licence. On CUDA machines torch brings NVIDIA's libraries, which are under
NVIDIA's own licence, and triton (MIT).

| Package | Version | Licence |
| :-- | :-- | :-- |
"""
UNKNOWN = "not installed where this page was written"


def rows() -> dict[Package, str]:
    """Every pinned package with its licence; one that is not installed here keeps what the page says."""
    before = written()
    return {
        package: licence(one)
        if (one := installed(package))
        else before.get((package.name, package.version), UNKNOWN)
        for package in packages()
    }


def written() -> dict[tuple[str, str], str]:
    """(name, version) -> licence, as the page has them."""
    if not PAGE.is_file():
        return {}
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ") for line in lines[2:]]
    return {(name, version): own for name, version, own in cells}


def page() -> str:
    lines = [f"| {one.name} | {one.version} | {own.replace('|', '/')} |" for one, own in rows().items()]
    return HEAD + "\n".join(sorted(lines, key=str.lower)) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows())} packages")
