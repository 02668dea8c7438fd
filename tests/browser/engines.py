"""Engines other than Chromium, driven as little as a walk needs: Firefox by WebDriver BiDi,
WebKitGTK by WebDriver. Both take the same actions of keys and pointer."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import websocket

from tests.processes import debian_program, eventually, free_port

ENTER = "\ue007"
WITHIN = 30.0  # what a browser that hangs has for one answer
LOGGED = "log.entryAdded"


class Engine:
    """A browser with one page. Its scroll bars take room, so that they can be measured; its
    `complaints` are the errors that it tells of."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._groups: list[subprocess.Popen[bytes]] = []
        self._folder = Path(tempfile.mkdtemp(prefix="engine-"))
        try:
            self._begin()
        except BaseException:
            self.stop()
            raise

    def _begin(self) -> None:
        raise NotImplementedError

    def _start(self, *command: str, **options: Any) -> None:
        """Starts a browser in a process group of its own, with which all its helpers end."""
        with (self._folder / "log").open("ab") as log:
            self._groups.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **options,
                )
            )

    def run(self, script: str) -> Any:
        """Returns the result of a function's body in the page, as JSON."""
        raise NotImplementedError

    def act(self, *sources: dict[str, Any]) -> None:
        raise NotImplementedError

    def press(self, keys: str) -> None:
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keyboard", "actions": steps})

    def click(self, selector: str) -> None:
        """Clicks the middle of the first match by the pointer, once it is drawn."""
        box = f"""
            const box = document.querySelector({json.dumps(selector)})?.getBoundingClientRect();
            return box?.width && [box.x + box.width / 2, box.y + box.height / 2].map(Math.round);
        """
        x, y = eventually(lambda: self.run(box))
        steps = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.act({"type": "pointer", "id": "mouse", "actions": steps})

    def stop(self) -> None:
        for group in reversed(self._groups):
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    group.wait(5)
        shutil.rmtree(self._folder, ignore_errors=True)


class Firefox(Engine):
    PREFERENCES = 'user_pref("widget.gtk.overlay-scrollbars.enabled", false);\n'

    def _begin(self) -> None:
        program = debian_program("firefox-esr")
        profile = self._folder / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(self.PREFERENCES)
        options = "--headless", "--no-remote", "--remote-debugging-port=0"
        self._start(program, *options, "--profile", str(profile))
        told = profile / "WebDriverBiDiServer.json"
        eventually(lambda: told.exists() and told.read_text().rstrip().endswith("}"))
        port = json.loads(told.read_text())["ws_port"]
        self._numbers = count(1)
        self._socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/session", timeout=WITHIN, suppress_origin=True
        )
        self._say("session.new", capabilities={})
        self._say("session.subscribe", events=[LOGGED])
        self._page = self._say("browsingContext.getTree")["contexts"][0]["context"]

    def _say(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(asked))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            if answer.get("method") == LOGGED and answer["params"]["level"] == "error":
                self.complaints.append(answer["params"]["text"])
        assert answer["type"] == "success", answer
        return answer["result"]

    def go(self, url: str) -> None:
        self._say("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def reload(self) -> None:
        self._say("browsingContext.reload", context=self._page, wait="complete")

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height}
        self._say("browsingContext.setViewport", context=self._page, viewport=size)

    def run(self, script: str) -> Any:
        answer = self._say(
            "script.evaluate",
            expression=f"JSON.stringify((() => {{ {script} }})() ?? null)",
            target={"context": self._page},
            awaitPromise=False,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def act(self, *sources: dict[str, Any]) -> None:
        self._say("input.performActions", context=self._page, actions=sources)

    def picture(self) -> bytes:
        shot = self._say("browsingContext.captureScreenshot", context=self._page)
        return base64.b64decode(shot["data"])


class WebKit(Engine):
    """WebKitGTK's MiniBrowser on a screen of its own, which nobody sees. WebDriver tells of no
    errors."""

    OPTIONS = "--automation", "--full-screen"  # its toolbar is wider than a phone
    SETTINGS = "[Settings]\ngtk-overlay-scrolling=false\n"

    def _begin(self) -> None:
        driver = debian_program("WebKitWebDriver", "webkit2gtk-driver")
        screen = debian_program("Xvfb", "xvfb")
        [browser, *_] = Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")
        reading, writing = os.pipe()
        self._start(
            *(screen, "-displayfd", str(writing), "-screen", "0", "1600x1200x24"),
            *("-nolisten", "tcp"),
            pass_fds=[writing],
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        (self._folder / "gtk-3.0").mkdir()
        (self._folder / "gtk-3.0" / "settings.ini").write_text(self.SETTINGS)
        environment = {
            "DISPLAY": display,
            "GDK_BACKEND": "x11",
            "XDG_CONFIG_HOME": str(self._folder),
        }
        port = free_port()
        self._start(driver, f"--port={port}", env=os.environ | environment)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/session", timeout=WITHIN)
        options = {"binary": str(browser), "args": self.OPTIONS}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = eventually(lambda: self._try_session(wanted))
        self._http.base_url = self._http.base_url.join(f"{session}/")

    def _try_session(self, wanted: dict[str, Any]) -> str | None:
        """None while the driver does not listen yet."""
        try:
            answer = self._http.post("", json={"capabilities": wanted})
        except httpx.ConnectError:
            return None
        return answer.raise_for_status().json()["value"]["sessionId"]

    def _say(self, path: str, **parameters: Any) -> Any:
        answer = self._http.post(path, json=parameters)
        assert answer.is_success, answer.text
        return answer.json()["value"]

    def go(self, url: str) -> None:
        self._say("url", url=url)

    def reload(self) -> None:
        self._say("refresh")

    def resize(self, width: int, height: int) -> None:
        self._say("window/rect", width=width, height=height)

    def run(self, script: str) -> Any:
        return self._say("execute/sync", script=script, args=[])

    def act(self, *sources: dict[str, Any]) -> None:
        self._say("actions", actions=sources)

    def picture(self) -> bytes:
        return base64.b64decode(self._http.get("screenshot").json()["value"])
