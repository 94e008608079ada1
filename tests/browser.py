"""A headless Chromium over its debugging pipe: real keys, clicks and pictures, with the library alone."""

import base64
import json
import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
KEYS = {
    " ": ("Space", 32), "ArrowLeft": ("ArrowLeft", 37), "ArrowUp": ("ArrowUp", 38),
    "ArrowRight": ("ArrowRight", 39), "ArrowDown": ("ArrowDown", 40), "Tab": ("Tab", 9),
    "Home": ("Home", 36), "End": ("End", 35),
}  # fmt: skip

ON_3_AND_4 = """
import fcntl, os, sys
down, up = (fcntl.fcntl(int(f), fcntl.F_DUPFD, 10) for f in sys.argv[1:3])
os.dup2(down, 3)
os.dup2(up, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""  # where the browser expects its debugging pipe


def found():
    """The path of an installed Chromium or Chrome, else None; LADR_CHROMIUM names another."""
    return os.environ.get("LADR_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab. `complaints` are the page's uncaught errors and console errors."""

    def __init__(self, program, profile):
        down, self._out = os.pipe()
        self._in, up = os.pipe()
        flags = (
            "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-pipe "
            "--no-first-run --hide-scrollbars --disable-background-networking --disable-extensions"
        )
        command = [program, *flags.split(), f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_3_AND_4, str(down), str(up), *command],
            pass_fds=(down, up), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(down)
        os.close(up)
        self._held, self._count, self._session, self.complaints = b"", 0, None, []
        tabs = self("Target.getTargets")["targetInfos"]
        tab = next(t["targetId"] for t in tabs if t["type"] == "page")
        self._session = self("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime"):
            self(f"{domain}.enable")

    def __call__(self, method, **params):
        """Send a command; its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self._note(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _next(self):
        while b"\0" not in self._held:
            more = os.read(self._in, 1 << 16)
            assert more, "the browser has gone"
            self._held += more
        message, _, self._held = self._held.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        kind, told = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"].get("exception", {}).get("description", kind))
        if kind == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.complaints.append(str(told["args"]))

    def open(self, url, width=1280, height=900, phone=False):
        """Load a page in a window of this size, and wait until it is there."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height,
             deviceScaleFactor=2 if phone else 1, mobile=phone)  # fmt: skip
        self("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def js(self, expression):
        """The value of a JavaScript expression (of what it promises)."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition):
        """Until a JavaScript expression is true; at most half a minute."""
        return self.js(
            "new Promise((yes, no) => { let left = 600; const look = () => {"
            f" if ({condition}) yes(true); else left-- ? setTimeout(look, 50) : no('never'); }}; look(); }})"
        )

    def key(self, name):
        """Press and release, as a keyboard does, wherever the focus is."""
        code, number = KEYS[name]
        told = {"key": name, "code": code, "windowsVirtualKeyCode": number}
        text = {"text": " "} if name == " " else {}
        self("Input.dispatchKeyEvent", type="keyDown", **told, **text)
        self("Input.dispatchKeyEvent", type="keyUp", **told)

    def click(self, selector):
        """A mouse click in the middle of an element."""
        x, y = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path, whole=False):
        """A screenshot as png."""
        told = self("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        os.close(self._out)
        os.close(self._in)
