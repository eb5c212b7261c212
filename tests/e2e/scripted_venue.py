"""A venue that serves exactly the answers it is given, over a loopback socket, and counts the requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pfmm.paper.server.serve import PaperServer


class ScriptedVenue:
    """`answers` maps a path to the object to serve, or to a function of the query; anything else is an error 404."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.requests: list[str] = []
        self.url = ""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        self.requests.append(f"{path}?{query}" if query else path)
        status, body = "200 OK", self._answers.get(path)
        if callable(body):
            body = body(query)
        if body is None:
            status, body = "404 Not Found", {"error": "unknown_market", "message": f"nothing at {path}"}
        payload = json.dumps(body).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))])
        return [payload]

    @contextmanager
    def serving(self) -> Iterator[ScriptedVenue]:
        with PaperServer(self, "127.0.0.1", 0).running() as server:
            self.url = server.url
            yield self
