"""The HTTP server of the simulated exporters: GET /NAME/metrics is the page that the site last wrote under that name.

python -m console.lab.site.serving FOLDER        (its port is in FOLDER/site.port; pages are FOLDER/pages/NAME.prom)
"""

from __future__ import annotations

import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from console.lab.leash import ready

PATH = re.compile(r"/([a-z][a-z0-9-]*)/metrics")
TYPE = "text/plain; version=0.0.4"


class Door(BaseHTTPRequestHandler):
    """Answers with one page."""

    protocol_version = "HTTP/1.1"

    def __init__(self, pages: Path, *arguments: Any) -> None:
        self._pages = pages
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """The page of that name; 404 where there is none."""
        named = PATH.fullmatch(self.path)
        file = self._pages / f"{named[1]}.prom" if named else None
        if file is None or not file.exists():
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such exporter")
            return
        body = file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: a page is asked for every tick."""


def main(folder: Path) -> None:
    """Serve on a free port of loopback until ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Door, folder / "pages"))
    server.daemon_threads = True
    ready(folder / "site.port", str(server.server_port))
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
