"""A venue of a few lines: a WSGI application that answers each question with what a function makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def answering(answer: Callable[[dict[str, Any]], Any]) -> WSGIApplication:
    """`answer` gets the object that was posted; what it returns is the JSON of a 200, a number that status alone."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = answer(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))))
        if isinstance(found, int):
            start_response(f"{found} Refused", [("Content-Type", "application/json")])
            return [b"null"]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]

    return app
