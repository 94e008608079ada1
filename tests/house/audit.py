"""Ask pip-audit for advisories about the pinned packages; say plainly when nothing could be checked."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from house.lock import packages

SILENT = (
    *("ConnectionError", "ConnectTimeout", "ReadTimeout", "Max retries", "Failed to fetch", "HTTPError"),
    *(
        "Failed to establish",
        "Temporary failure",
        "ServiceError",
        "No solution found",
        "error sending request",
    ),
)
REACHED, ADVISORIES, UNREACHED = 0, 1, 3


def verdict(outputs: list[str]) -> tuple[int, str]:
    """The exit code and what to print, from what each run of pip-audit said."""
    report = []
    for said in outputs:
        own = _report(said)
        if own is None:
            return UNREACHED, _unreached(said)
        report += own
    skipped = [one for one in report if "skip_reason" in one]
    if len(skipped) == len(report):
        return UNREACHED, f"the service knows none of {len(report)} packages, so NOTHING WAS CHECKED"
    lines = [f"{one['name']} {one['version']}: {hit['id']}" for one in report for hit in one.get("vulns", ())]
    left = f"; not known to the service: {len(skipped)}" if skipped else ""
    lines.append(f"{len(report) - len(skipped)} packages checked, {len(lines)} advisories{left}")
    return (ADVISORIES if len(lines) > 1 else REACHED), "\n".join(lines)


def _report(said: str) -> list[dict] | None:
    """What pip-audit says of each package, where its output holds that."""
    try:
        return json.JSONDecoder().raw_decode(said, said.find('{"dependencies"'))[0]["dependencies"]
    except (ValueError, KeyError):
        return None


def _unreached(said: str) -> str:
    last = (said.strip().splitlines() or ["no output"])[-1][:200]
    if any(sign in said for sign in SILENT):
        return (
            "the advisory service cannot be reached from here: NOTHING WAS CHECKED; "
            f"run `make audit` again with access to it ({last})"
        )
    return f"pip-audit failed, so NOTHING WAS CHECKED ({last})"


def asked(uvx: str, path: Path) -> str:
    """What pip-audit says about a file of pinned packages."""
    words = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--timeout=20", "--format=json"]
    try:
        done = subprocess.run(
            [uvx, "pip-audit", "-r", str(path), *words], capture_output=True, text=True, timeout=600
        )
    except subprocess.TimeoutExpired:
        return "ReadTimeout: no answer within 10 minutes"
    return done.stdout + done.stderr


def main(uvx: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        code, text = verdict([asked(uvx, path) for path in listed(Path(folder))])
    print(text)
    return code


def listed(folder: Path) -> list[Path]:
    """Files of pinned packages, none of which names a package twice: some machines take another version."""
    files: list[dict[str, str]] = []
    for one in packages():
        place = next((file for file in files if file.get(one.name, one.version) == one.version), None)
        if place is None:
            files.append(place := {})
        place[one.name] = one.version
    paths = [folder / f"{number}.txt" for number in range(len(files))]
    for path, file in zip(paths, files, strict=True):
        path.write_text("".join(f"{name}=={version}\n" for name, version in file.items()))
    return paths


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
