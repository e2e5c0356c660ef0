"""``kpi lab`` and ``kpi workshop``: the notebooks served to this computer alone, with a token."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.cli.answers import spoken
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.cli.preparing import prepared
from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import Phrase, text

if TYPE_CHECKING:
    from nbformat import NotebookNode

HERE = "127.0.0.1"
TEMPLATE = Path(__file__).parent / "template"
LARGEST_MESSAGE = 2**29  # bytes; a file that is dropped into a page comes as one message
# What draws widgets; other extensions of somebody's JupyterLab have no place in a meeting.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
# The page reaches nothing but its own server, whatever a text from the data may say.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def describe_lab(parser: Parser) -> None:
    """Add the options of ``kpi lab`` to its parser."""
    parser.argument("dir")
    parser.option("port", "PORT", "8888")
    parser.switch("no-browser")


def lab(options: argparse.Namespace, lang: str) -> int:
    """Open JupyterLab on the notebooks of a folder, which are copied there if it has none."""
    from jupyterlab.labapp import LabApp

    from kpi_helpers.reports.places import NOTEBOOKS, notebooks

    folder = Path(options.dir or ".")
    ours = folder / NOTEBOOKS
    if not ours.is_dir():
        shutil.copytree(notebooks(), ours, ignore=shutil.ignore_patterns(".*"))
        print(text("cli.lab.copied", lang, folder=ours), file=sys.stderr)
    port, token = free_port(options.port), secrets.token_urlsafe()
    start = f"/lab/tree/{NOTEBOOKS}"
    # The folder itself is the root, so that a notebook sees the data and the kpi.toml beside it.
    # What is said here goes before anybody's settings, and does not stand in the list of processes.
    asked = {
        "ServerApp.root_dir": folder.resolve(),
        "ServerApp.ip": HERE,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.allow_remote_access": False,
        "ServerApp.allow_root": True,  # who works in a container is nobody else
        "ServerApp.open_browser": not options.no_browser,
        "ServerApp.tornado_settings": {"websocket_max_message_size": LARGEST_MESSAGE},
        "IdentityProvider.token": token,
        "LabApp.default_url": start,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    url = f"http://{HERE}:{port}{start}?token={token}"
    print(text("cli.lab.open", lang, url=url), flush=True)
    LabApp.launch_instance([f"--{name}={value}" for name, value in asked.items()])
    return 0


def describe_workshop(parser: Parser) -> None:
    """Add the options of ``kpi workshop`` to its parser."""
    parser.argument("dir")
    parser.option("port", "PORT", "8866")
    parser.switch("names")
    parser.switch("no-browser")
    parser.switch("check")


def workshop(options: argparse.Namespace, lang: str) -> int:
    """Serve the workshop notebook as an app, until it is interrupted, or say what is missing."""
    folder = Path(options.dir or ".").resolve()
    if not folder.is_dir():
        raise unknown("file", options.dir, [])
    lang = spoken(options, lang, folder=options.dir)
    if options.check:
        from kpi_helpers.reports.pdf import browser

        port = partial(free_port, options.port)
        return prepared(folder, {"voila": _voila, "browser": browser, "port": port}, lang)
    _serve(folder, free_port(options.port), options, lang)
    return 0


def _serve(folder: Path, port: int, options: argparse.Namespace, lang: str) -> None:
    # Whatever is written to serve it goes in here, and goes with it.
    with tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as made:
        notebook = _notebook({"lang": lang, "share": not options.names}, lang, Path(made))
        token = secrets.token_urlsafe()
        server = _server(notebook, folder, port, token, lang)
        url = f"http://{HERE}:{port}/?token={token}"
        server.launch_browser = lambda: _announce(url, not options.no_browser, lang)
        server.start()


def free_port(asked: str) -> int:
    """Return a port to serve on: the one asked for, or for 0 any that is free.

    Raises
    ------
    KpiError
        For what is no port, and for one that is taken.
    """
    if not (asked.isdecimal() and int(asked) < 2**16):
        expected = Phrase("expected.whole_number")
        raise KpiError("bad_parameter", name="port", value=asked, expected=expected)
    with socket.socket() as probe:
        if os.name == "posix":  # as the server will: a port that was just left is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, int(asked)))
        except OSError as error:
            raise KpiError("port_taken", port=asked) from error
        return int(probe.getsockname()[1])


def _notebook(parameters: dict[str, Any], lang: str, folder: Path) -> Path:
    """Write the workshop's notebook with its parameters, as one reads it in a language."""
    import nbformat
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    from kpi_helpers.reports.page import HIDDEN, readable, title
    from kpi_helpers.reports.parameters import checked, declared
    from kpi_helpers.reports.places import notebooks

    source = notebooks() / "workshop.ipynb"
    values = checked(parameters, declared(source))
    given: NotebookNode = parameterize_notebook(load_notebook_node(str(source)), values)
    first = [cell for cell in given.cells if HIDDEN & set(cell.metadata.get("tags", ()))]
    given.metadata.title = title(given, lang)
    given.cells = [*first, *readable(given, lang)]
    nbformat.write(given, folder / source.name)
    return folder / source.name


def _server(notebook: Path, folder: Path, port: int, token: str, lang: str) -> Any:
    """Return voila, told to serve one notebook to this computer alone; it works in a folder."""
    from traitlets.config import Config

    headers = {"Content-Security-Policy": POLICY.format(host=f"{HERE}:{port}")}
    page = {
        "heading": text("cli.workshop.heading", lang),
        "waiting": text("cli.workshop.waiting", lang),
        "style": (TEMPLATE / "workshop.css").read_text("utf-8"),
    }
    settings = {
        "Voila": {
            "notebook_path": str(notebook),
            "connection_dir_root": str(notebook.parent),
            # voila runs a ``voila.py`` of the current folder, where somebody's data may lie.
            "config_file_paths": [],
            "ip": HERE,
            "port": port,
            "port_retries": 0,
            "token": token,
            "tornado_settings": {
                "allow_remote_access": False,
                "websocket_max_message_size": LARGEST_MESSAGE,
                "headers": headers,
            },
            "log_level": "ERROR",
        },
        "VoilaConfiguration": {
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "extension_allowlist": EXTENSIONS,
            "file_allowlist": [],
            "resources": page,
        },
        "HTMLExporter": {"language_code": lang},
        "KernelManager": {"transport_encryption": "auto"},
        "MappingKernelManager": {"root_dir": str(folder)},
    }
    server = _voila()(config=Config(settings))
    server.initialize([])
    server.template_paths = [str(TEMPLATE), *server.template_paths]
    return server


def _voila() -> Any:
    """Return the class of voila's servers; an error where it is not installed."""
    try:
        from voila.app import Voila
    except ImportError as error:
        raise KpiError("no_workshop", needs='pip install "kpi-helpers[workshop]"') from error
    return Voila


def _announce(url: str, browse: bool, lang: str) -> None:
    """Say where the app is, and open it: called when the server listens."""
    import webbrowser

    print(text("cli.workshop.open", lang, url=url), flush=True)
    if browse and not webbrowser.open(url):
        print(text("cli.workshop.by_hand", lang), file=sys.stderr)
