"""The web page in a headless Chromium: `tools/web.py` serves it, the test clicks.

With MMAVS_SCREENSHOT=FILE.png the test also writes a screenshot of the page. MMAVS_WEB_WEIGHTS=CHECKPOINT sets the
network and MMAVS_WEB_INPUTS=PICTURE:SOUND the files.
"""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image

from mmavs.apis import AVSegInferencer

ROOT = Path(__file__).resolve().parents[2]
BROWSER, DRIVER = shutil.which('chromium') or shutil.which('google-chrome'), shutil.which('chromedriver')
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def weights(checkpoint):
    return os.path.abspath(os.environ.get('MMAVS_WEB_WEIGHTS') or checkpoint)


@pytest.fixture(scope='module')
def server(weights, tmp_path_factory):
    """Address of the page and its process; the folder of its files is below ``tmp``."""
    pytest.importorskip('gradio', reason='Gradio is not installed (extra web)')
    folder = tmp_path_factory.mktemp('web')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / 'tools' / 'web.py'), '--weights', weights, '--device', 'cpu']
    environment = dict(os.environ, TMPDIR=str(folder), PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    with open(folder / 'log', 'w') as log:
        process = subprocess.Popen(
            [*command, '--port', str(port), '--max-mb', '1'], cwd=folder, env=environment, stdout=log, stderr=log
        )
    address = f'http://127.0.0.1:{port}'
    try:
        wait_for(lambda: fetch(address)[0] == 200, 'the server', seconds=90)
        yield address, folder
    finally:
        process.terminate()
        process.wait(30)
    assert not list(folder.glob('mmavs-web-*')), 'the folder of the page remains'


@pytest.fixture(scope='module')
def browser(server):
    webdriver = pytest.importorskip('selenium.webdriver')
    if not BROWSER or not DRIVER:
        pytest.skip('Chromium or its driver is not installed: apt-get install chromium chromium-driver')
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ('headless=new', 'no-sandbox', 'disable-dev-shm-usage', 'window-size=1280,1400', 'disable-gpu'):
        options.add_argument(f'--{word}')
    options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, server):
    browser.get(server[0])
    wait_for(lambda: find(browser, '#segment'), 'the page')
    return browser


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Picture and sound: those of MMAVS_WEB_INPUTS, else noise."""
    if given := os.environ.get('MMAVS_WEB_INPUTS'):
        return given.split(':')
    folder, rng = tmp_path_factory.mktemp('uploads'), np.random.default_rng(0)
    cv2.imwrite(str(folder / 'picture.png'), rng.integers(0, 255, (112, 144, 3)).astype(np.uint8))
    soundfile.write(folder / 'sound.wav', 0.3 * rng.standard_normal(3 * 16000), 16000)
    return str(folder / 'picture.png'), str(folder / 'sound.wav')


def wait_for(condition, what, seconds=60):
    """Waits until a condition holds; returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := condition():
                return found
        except Exception as error:  # the page changes meanwhile
            last = error
        time.sleep(0.1)
    raise AssertionError(f'{what} did not appear within {seconds} s: {locals().get("last")}')


def fetch(url, **options):
    """(status, body) of a request."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def find(driver, selector):
    return driver.find_element('css selector', selector)


def upload(driver, name, path):
    wait_for(lambda: find(driver, f'#{name} input[type=file]'), name).send_keys(str(path))


def overlay(driver):
    """The picture that the page shows: RGB, and its address."""
    address = find(driver, '#overlay img').get_attribute('src')
    return np.array(Image.open(io.BytesIO(fetch(address)[1])).convert('RGB')), address


def segment(driver, files):
    """Uploads picture and sound and clicks; returns the overlay and its address."""
    upload(driver, 'picture', files[0])
    upload(driver, 'sound', files[1])
    wait_for(lambda: find(driver, '#picture img'), 'the uploaded picture')
    wait_for(lambda: 'sound.wav' in driver.page_source or find(driver, '#sound button[aria-label="Play"]'), 'the sound')
    find(driver, '#segment').click()
    wait_for(lambda: find(driver, '#status').text.startswith('Sounding'), 'the status')
    wait_for(lambda: find(driver, '#heard button[aria-label="Play"]'), 'the audio of the network')
    return wait_for(lambda: overlay(driver), 'the overlay')


def test_click_shows_what_the_inferencer_finds(page, weights, files):
    found, _ = segment(page, files)
    inferencer = AVSegInferencer(weights=weights, device='cpu', show_progress=False)
    expected = inferencer(*files, position=0.5)
    names = [item.name for item in expected['sounding']]
    assert find(page, '#status').text == f'Sounding: {", ".join(names)}'
    legend = find(page, '#legend').text
    assert all(f'{item.name} {100 * item.probability:.0f} %' in legend for item in expected['sounding'])
    image = cv2.resize(cv2.imread(files[0]), found.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(expected['predictions'], found.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    assert (found != inferencer.draw_frame(image, mask)).mean() < 0.01
    assert find(page, '#attention img').get_attribute('src')
    if path := os.environ.get('MMAVS_SCREENSHOT'):
        time.sleep(1)  # until the pictures are drawn
        page.save_screenshot(path)


def test_position_and_mute_change_the_picture(page, files):
    first, address = segment(page, files)
    slider = find(page, '#position input[type=range]')
    slider.send_keys('\ue014' * 9)  # arrow keys to the right
    wait_for(lambda: overlay(page)[1] != address, 'the picture of another position')
    wait_for(lambda: not np.array_equal(overlay(page)[0], first), 'another picture')
    second, address = overlay(page)
    find(page, '#mute input').click()
    wait_for(lambda: overlay(page)[1] != address, 'the picture without sound')
    assert not np.array_equal(overlay(page)[0], second)


def test_unreadable_upload_is_named(page, files, tmp_path):
    (tmp_path / 'notes.png').write_text('This is text.')
    upload(page, 'picture', tmp_path / 'notes.png')
    upload(page, 'sound', files[1])
    time.sleep(1)
    find(page, '#segment').click()
    status = wait_for(lambda: find(page, '#status').text, 'the error')
    assert status.startswith('Error: Cannot decode picture notes.png') and '/' not in status


def test_video_is_segmented(page, tmp_path):
    pytest.importorskip('av')
    from media import noise, write_video

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(8)]
    path = write_video(tmp_path / 'video.mp4', images, fps=8, sound=noise(1, 16000))
    next(tab for tab in page.find_elements('css selector', 'button[role=tab]') if tab.text == 'Video').click()
    upload(page, 'video', path)
    time.sleep(1)
    find(page, '#segment-video').click()
    status = wait_for(lambda: find(page, '#video-status').text, 'the status')
    assert status.startswith('8 frames')
    address = wait_for(lambda: find(page, '#video-overlay video').get_attribute('src'), 'the overlay video')
    assert fetch(address)[1][4:8] == b'ftyp'


def test_nothing_is_loaded_from_another_host(page, files, server):
    page.get_log('performance')  # of the tests before
    page.refresh()
    wait_for(lambda: find(page, '#segment'), 'the page')
    segment(page, files)
    messages = [json.loads(entry['message'])['message'] for entry in page.get_log('performance')]
    urls = [m['params']['request']['url'] for m in messages if m['method'] == 'Network.requestWillBeSent']
    hosts = {urllib.parse.urlsplit(url).netloc for url in urls if url.startswith(('http', 'ws'))}
    assert hosts == {server[0].removeprefix('http://')} and len(urls) > 10


def test_no_other_file_is_served(server):
    address, folder = server
    (own,) = folder.glob('mmavs-web-*')
    (folder / 'secret.txt').write_text('secret')
    os.symlink(folder / 'secret.txt', own / 'link.txt')
    (own / 'own.txt').write_text('own')
    for path in (
        str(folder / 'secret.txt'),
        f'{own}/../secret.txt',
        f'{own}/%2e%2e/secret.txt',
        f'{own}/link.txt',
        str(ROOT / 'setup.py'),
        '/etc/passwd',
        '../../../../etc/passwd',
    ):
        status, body = fetch(f'{address}/gradio_api/file={path}')
        assert status in (403, 404) and b'secret' not in body and b'root:' not in body, path
    assert fetch(f'{address}/assets/../../../../../etc/passwd')[0] in (403, 404)
    assert fetch(f'{address}/static/%2e%2e/%2e%2e/%2e%2e/setup.py')[0] in (403, 404)


def test_large_upload_is_refused(server):
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + bytes(1_200_000)
    headers = {'Content-Type': 'multipart/form-data; boundary=x'}
    status, text = fetch(f'{server[0]}/gradio_api/upload', data=body + b'\r\n--x--\r\n', headers=headers)
    assert status == 413 and b'size' in text.lower()


def test_server_fetches_no_address(server):
    assert fetch(f'{server[0]}/gradio_api/file=http://127.0.0.1:9/a.png')[0] == 403
    assert fetch(server[0], headers={'Host': 'evil.example'})[0] == 400
