"""The terminal UI in a browser on this machine: ``python -m localsynth.tui.serve``, with the package textual-serve.

textual-serve gives a page to whoever asks, and a process with the UI to every page. Here only who has the key gets one: other
people on this machine, and other pages in the same browser, can reach a port of 127.0.0.1, too. The page of textual-serve
names a font of fonts.googleapis.com; our headers forbid it to fetch anything from outside.
"""

from __future__ import annotations

import argparse
import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from localsynth.core.errors import ExitCode
from localsynth.sealed import seal

__all__ = ["Guard", "main"]

_HOST = "127.0.0.1"
_COOKIE = "localsynth"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' data: blob: ws://{place}; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the key is in the address
    "Cache-Control": "no-store",
}


class Guard:
    """Who may come in. place : host and port, as a browser names them. key : a secret, in the first address."""

    def __init__(self, place: str, key: str) -> None:
        self.place, self._key = place, key
        self.headers = {name: value.format(place=place) for name, value in _HEADERS.items()}

    def admits(self, headers: Mapping[str, str], given: str) -> bool:
        """Whether a request comes from our own page, or from who was told the address. given : the key it brings."""
        if headers.get("Host") != self.place:  # another name for this machine: someone else's page
            return False
        origin = headers.get("Origin")
        if origin is not None and origin != f"http://{self.place}":
            return False
        return hmac.compare_digest(given.encode(), self._key.encode())

    def middleware(self, web: Any) -> Callable[..., Awaitable[Any]]:
        """The same for aiohttp. web : its module."""

        async def guarded(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            asked = request.query.get("key")
            if not self.admits(request.headers, asked or request.cookies.get(_COOKIE, "")):
                return web.Response(status=403, text="Open the address that the terminal shows.")
            response = await handler(request)
            if not response.prepared:
                response.headers.update(self.headers)
                if asked:
                    response.set_cookie(_COOKIE, self._key, httponly=True, samesite="Strict")
            return response

        marked: Callable[..., Awaitable[Any]] = web.middleware(guarded)
        return marked


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C. Gives the exit code."""
    asked = _arguments(arguments)
    seal(loopback=True)
    try:
        web, server_module = import_module("aiohttp.web"), import_module("textual_serve.server")
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"error: the package {error.name} is missing\nhint: pip install 'localsynth[serve]'\n"
        )
        return ExitCode.USAGE
    command = [sys.executable, "-m", "localsynth", "--workspace", asked.workspace]
    if asked.read_only:
        command.append("--read-only")
    place, key = f"{_HOST}:{asked.port}", secrets.token_urlsafe(24)
    server = server_module.Server(shlex.join(command), host=_HOST, port=asked.port, title="localsynth")
    sys.stderr.write(f"localsynth is at http://{place}/?key={key}\nCtrl+C ends it\n")

    async def made() -> Any:
        app = await server._make_app()
        app.on_startup.clear()  # it would print a banner
        app.middlewares.append(Guard(place, key).middleware(web))
        return app

    web.run_app(made(), host=_HOST, port=asked.port, print=None)
    return ExitCode.OK


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localsynth.tui.serve", description=main.__doc__)
    parser.add_argument("--workspace", default="workspace", help="the folder  [default: ./workspace]")
    parser.add_argument("--port", type=int, default=8000, help="of 127.0.0.1  [default: 8000]")
    parser.add_argument("--read-only", action="store_true", help="people may only look")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
