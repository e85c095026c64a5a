"""The guard of the web page, called as a server calls it."""

import asyncio
import json
import os

import pytest

from mmavs.apis.web.guard import Guard


@pytest.fixture
def guard(tmp_path):
    (tmp_path / 'page').mkdir()
    (tmp_path / 'page' / 'own.txt').write_text('own')
    (tmp_path / 'secret.txt').write_text('secret')
    os.symlink(tmp_path / 'secret.txt', tmp_path / 'page' / 'link.txt')
    os.symlink(tmp_path, tmp_path / 'page' / 'folder')
    return Guard(application, str(tmp_path / 'page'), {'localhost', '127.0.0.1'})


async def application(scope, receive, send):
    """Answers with the body of the request."""
    body = (await receive()).get('body', b'') if scope['method'] == 'POST' else b'served'
    await send(dict(type='http.response.start', status=200, headers=[]))
    await send(dict(type='http.response.body', body=body))


def request(guard, path, *, body=None, host='localhost:7860', kind='application/json', parts=1):
    """(status, headers, body) of a response."""
    size = -(-len(body or b'') // parts) or 1
    chunks = [body[i : i + size] for i in range(0, len(body), size)] if body else [b'']
    messages = [dict(type='http.request', body=c, more_body=c is not chunks[-1]) for c in chunks]
    sent = []

    async def receive():
        return messages.pop(0) if messages else dict(type='http.disconnect')

    async def send(message):
        sent.append(message)

    headers = [(b'host', host.encode()), (b'content-type', kind.encode())]
    scope = dict(type='http', method='GET' if body is None else 'POST', path=path, headers=headers)
    asyncio.run(guard(scope, receive, send))
    return sent[0]['status'], dict(sent[0]['headers']), sent[1]['body']


def test_own_files_are_served(guard, tmp_path):
    status, headers, body = request(guard, f'/gradio_api/file={tmp_path}/page/own.txt')
    assert status == 200 and body == b'served'
    assert b"default-src 'self'" in headers[b'content-security-policy']
    assert b'http' not in headers[b'content-security-policy']


@pytest.mark.parametrize(
    'path',
    [
        '{root}/secret.txt',
        '{root}/page/../secret.txt',
        '{root}/page/link.txt',
        '{root}/page/folder/secret.txt',
        '{root}/page/%2e%2e/secret.txt',
        '{root}/page/..%2fsecret.txt',
        '{root}/page-other/a.txt',
        '/etc/passwd',
        '../../etc/passwd',
        'page/own.txt',
        'http://example.com/a.png',
        'https:%2f%2fexample.com',
        '{root}/page/own.txt\0.png',
        '',
    ],
)
@pytest.mark.parametrize('route', ['/gradio_api/file=', '/file=', '/gradio_api/file%3D'])
def test_other_files_are_refused(guard, tmp_path, path, route):
    status, _, body = request(guard, route + path.format(root=tmp_path))
    assert status == 403 and b'secret' not in body


def test_the_server_fetches_nothing(guard):
    assert request(guard, '/gradio_api/proxy=https://example.com/a')[0] == 403
    remote = json.dumps(dict(data=[[dict(path='http://169.254.169.254/', meta={})]])).encode()
    for parts in (1, 3):
        assert request(guard, '/gradio_api/queue/join', body=remote, parts=parts)[0] == 403
    assert request(guard, '/gradio_api/queue/join', body=remote, kind='text/json; charset=utf-8')[0] == 403


def test_other_requests_reach_the_application_unchanged(guard):
    url = 'http://localhost:7860/gradio_api/file=/tmp/a.png'  # as the page itself sends it
    body = json.dumps(dict(data=[dict(path='/tmp/a.png', url=url)], fn_index=0)).encode()
    for parts in (1, 4):
        assert request(guard, '/gradio_api/queue/join', body=body, parts=parts)[::2] == (200, body)
    assert request(guard, '/upload', body=b'\xff\x00', kind='multipart/form-data')[::2] == (200, b'\xff\x00')


@pytest.mark.parametrize('host', ['evil.example', 'evil.example:7860', 'localhost.evil.example', ''])
def test_unknown_hosts_are_refused(guard, host):
    assert request(guard, '/', host=host)[0] == 400


def test_local_hosts_are_accepted(guard):
    assert request(guard, '/', host='127.0.0.1:7860')[0] == request(guard, '/', host='localhost')[0] == 200


def test_bodies_that_are_no_json_or_too_large(guard):
    assert request(guard, '/gradio_api/queue/join', body=b'{"a"')[0] == 400
    assert request(guard, '/gradio_api/queue/join', body=b'"' + b'a' * 1_100_000 + b'"')[0] == 413
