"""The workshop and JupyterLab as they are served, and a browser that reaches nothing else."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import psutil
from browser import launched

from kpi_helpers.controls.shown import Shown, picture

SIZE = {"width": 1400, "height": 900}
PATIENCE = 480_000  # milliseconds, on a machine that does much else


@dataclass
class Served:
    """A server: its ``url`` with the token, its process, and where its temporary files go."""

    url: str
    process: psutil.Process
    temporary: Path
    left: list[str] = field(default_factory=list)
    code: int | None = None

    @property
    def root(self) -> str:
        return self.url.partition("/?")[0].partition("/lab")[0]

    def listens_at(self) -> set[str]:
        """Return the addresses at which the server and its kernels wait for anybody."""
        every = [self.process, *self.process.children(recursive=True)]
        found = [each for process in every for each in process.net_connections("inet")]
        return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}


@contextmanager
def served(words: list[str], project: Path, home: Path) -> Iterator[Served]:
    """Give what a command serves in a project; it is interrupted as from the keyboard."""
    temporary = home / "temporary"
    temporary.mkdir(parents=True)
    own = {"TMPDIR": temporary, "JUPYTER_CONFIG_DIR": home / "config", "IPYTHONDIR": home / "i"}
    with (home / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kpi_helpers", *words, "--no-browser", "--port", "0"],
            cwd=project,
            env={**os.environ, **{name: str(value) for name, value in own.items()}},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout
        found = re.search(r"http\S+", process.stdout.readline())
        assert found, (home / "errors").read_text()
        server = Served(found[0], psutil.Process(process.pid), temporary)
        while process.poll() is None and not answers(server.root):
            time.sleep(0.1)
        yield server
        process.send_signal(signal.SIGINT)
        server.code = process.wait(PATIENCE / 1000)
        server.left = [path.name for path in temporary.iterdir()]
    finally:
        process.kill()
        process.communicate()


@contextmanager
def seen_in_browser(server: Served) -> Iterator[tuple[Any, list[str]]]:
    """Give a page on a server, and the requests that it made to anything else, which all fail."""
    strange: list[str] = []

    def stop(route: Any) -> None:
        strange.append(route.request.url)
        route.abort()

    with launched() as shown:
        page = shown.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE)
        page.route(lambda url: urlsplit(url).netloc != urlsplit(server.url).netloc, stop)
        page.on("console", lambda said: strange.append(said.text) if "Policy" in said.text else 0)
        page.on("pageerror", lambda error: strange.append(str(error)))
        page.goto(server.url, wait_until="commit")
        yield page, strange


def expect_shown(control: Any, expected: Shown) -> None:
    """Wait until a control shows what its plain function gave: sentences, figures and chart."""
    from playwright.sync_api import expect

    for said in (*expected.sentences, *expected.figures.values()):
        expect(control).to_contain_text(said, timeout=PATIENCE)
    if expected.figure:
        found = re.search(r'src="([^"]+)"', picture(expected.figure))
        assert found
        expect(control.locator("img").first).to_have_attribute("src", found[1], timeout=PATIENCE)


def answers(root: str) -> bool:
    """Whether anything listens at an address."""
    try:
        socket.create_connection(root.removeprefix("http://").split(":")).close()
    except ConnectionRefusedError:
        return False
    return True


def status(root: str, path: str, **headers: str) -> int:
    """Return what a server answers to a request without a cookie; redirections are not followed."""

    class Still(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *given: object) -> None:
            return None

    asked = urllib.request.Request(f"{root}/{path}", headers=headers)
    try:
        with urllib.request.build_opener(Still).open(asked, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
