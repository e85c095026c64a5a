"""Protects the server of the web page: no other files are served, and no other hosts are contacted."""

import json
import os.path as osp
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

_FILE = '/file='
_PROXY = '/proxy='
_MAX_JSON = 1_000_000
# `unsafe-inline` and `unsafe-eval`: Gradio's page has scripts and styles in its HTML.
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'self'"
)
_HEADERS = (
    (b'content-security-policy', _POLICY.encode()),
    (b'referrer-policy', b'no-referrer'),
    (b'x-content-type-options', b'nosniff'),
)


class Guard:
    """ASGI middleware.

    It rejects requests for files outside of ``folder``, also through links, requests that would make the server fetch
    an address, and requests with another host name, as in DNS rebinding. The headers of responses keep the browser from
    loading content of other hosts.

    Args:
        app: The application.
        folder: The only folder whose files are served by path.
        hosts: Accepted host names of requests, without a port; None for any.
    """

    def __init__(self, app: Callable, folder: str, hosts: set[str] | None = None) -> None:
        self.app = app
        self.folder = osp.realpath(folder)
        self.hosts = hosts

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Handles a request."""
        if scope['type'] not in ('http', 'websocket'):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope['headers']}
        refusal = self._refusal(scope, headers)
        if refusal is None and scope['type'] == 'http' and _is_json(headers):
            refusal, receive = await _check_body(receive)
        if refusal is not None:
            await _respond(send, *refusal)
            return
        await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: dict, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b'host', b'').decode('latin-1').rsplit(':', 1)[0].strip('[]').lower()
        if self.hosts is not None and host not in self.hosts:
            return 400, f'unknown host {host!r}'
        path = unquote(scope['path'])
        if _PROXY in path:
            return 403, 'this server fetches nothing'
        if _FILE in path and not self.serves(path.split(_FILE, 1)[1]):
            return 403, 'not a file of this page'
        return None

    def serves(self, path: str) -> bool:
        """True if a path, as it is or unquoted once more, is a file in the folder, with all links resolved."""
        for candidate in (path, unquote(path)):
            if '\0' in candidate or not osp.isabs(candidate):
                return False
            real = osp.realpath(candidate)
            if real != self.folder and osp.commonpath([real, self.folder]) != self.folder:
                return False
        return True


def _is_json(headers: dict[bytes, bytes]) -> bool:
    return b'json' in headers.get(b'content-type', b'').lower()


async def _check_body(receive: Callable) -> tuple[tuple[int, str] | None, Callable]:
    """Reads and checks a JSON body: it may not refer to files on other hosts. Returns a ``receive`` that repeats it."""
    parts, more = [], True
    while more:
        message = await receive()
        if message['type'] != 'http.request':
            return None, _replay(b''.join(parts), receive)
        parts.append(message.get('body', b''))
        more = message.get('more_body', False)
        if sum(map(len, parts)) > _MAX_JSON:
            return (413, 'the request is too large'), receive
    body = b''.join(parts)
    try:
        content = json.loads(body) if body else None
    except ValueError:
        return (400, 'not JSON'), receive
    if _has_remote_file(content):
        return (403, 'this server fetches nothing'), receive
    return None, _replay(body, receive)


def _replay(body: bytes, receive: Callable) -> Callable:
    sent = False

    async def again() -> dict:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return dict(type='http.request', body=body, more_body=False)

    return again


def _has_remote_file(content: Any) -> bool:
    """True if a ``path`` anywhere in a JSON value is an address."""
    if isinstance(content, dict):
        path = content.get('path')
        if isinstance(path, str) and '://' in path:
            return True
        return any(map(_has_remote_file, content.values()))
    return isinstance(content, list) and any(map(_has_remote_file, content))


def _with_headers(send: Callable) -> Callable[[dict], Awaitable[None]]:
    async def add(message: dict) -> None:
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message.get('headers', ()), *_HEADERS]}
        await send(message)

    return add


async def _respond(send: Callable, status: int, text: str) -> None:
    headers = [(b'content-type', b'text/plain; charset=utf-8'), *_HEADERS]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=text.encode()))
