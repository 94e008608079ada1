"""`python -m ladr.experiment.track.opening URL`: open a page in a browser once its server answers."""

import sys
import time
import urllib.error
import urllib.request
import webbrowser

TRIES, PAUSE = 120, 0.5  # MLflow takes some seconds to start, on a busy machine half a minute


def wait_and_open(page: str) -> bool:
    """Was the page there in time, and did a browser take it?"""
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(page.partition("#")[0], timeout=5):
                return webbrowser.open(page)
        except (urllib.error.URLError, OSError):
            time.sleep(PAUSE)
    return False


if __name__ == "__main__":
    wait_and_open(sys.argv[1])
