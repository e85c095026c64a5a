"""The page, built with Gradio. Gradio is imported in functions, since its import takes seconds."""

import atexit
import html
import os
import os.path as osp
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from ..inferencer import AVSegInferencer
from .examples import Example, find_examples
from .guard import Guard
from .limits import Limits
from .service import SECONDS_KEPT, PictureAnswer, VideoAnswer, WebService

_INSTALL = "the web page needs Gradio 6: pip install -c requirements/constraints.txt -e '.[web,video]'"
_LOCAL = {'localhost', '127.0.0.1', '::1'}
_EVENT = dict(concurrency_id='network', concurrency_limit=1, api_visibility='private')
# No button that shares on a server; no labels on results, since they cover a corner.
_UPLOAD = dict(sources=['upload'], buttons=[])
_SHOWN = dict(show_label=False, interactive=False, buttons=['download'])
_SHOWN_PICTURE = dict(show_label=False, interactive=False, buttons=['download', 'fullscreen'])
_CSS = """
.swatch {display: inline-block; width: 1em; height: 1em; border: 1px solid #555; vertical-align: -0.1em}
#status p, #video-status p {font-weight: bold}
footer {display: none !important}
"""


def import_gradio(folder: str) -> Any:
    """Imports Gradio without analytics, with its files in ``folder``.

    Raises:
        ImportError: Gradio 6 is not installed; the message has the command.
    """
    os.environ.update(GRADIO_ANALYTICS_ENABLED='False', GRADIO_TEMP_DIR=folder, HF_HUB_OFFLINE='1')
    try:
        import gradio
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    if not gradio.__version__.startswith('6.'):
        raise ImportError(f'{_INSTALL}; found Gradio {gradio.__version__}')
    return gradio


def make_folder() -> str:
    """A folder for the files of the page, which is removed when the program ends."""
    folder = osp.realpath(tempfile.mkdtemp(prefix='mmavs-web-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_app(inferencer: AVSegInferencer, *, folder: str, host: str = '127.0.0.1', limits: Limits | None = None) -> Any:
    """The web application.

    Args:
        inferencer: The network.
        folder: Folder for uploads and results, see :func:`make_folder`. No other file is served.
        host: Address to which it binds. On a local address, requests must name a local host.
        limits: Limits of uploads.

    Raises:
        ImportError: Gradio is not installed.
    """
    gradio = import_gradio(folder)
    import fastapi

    service = WebService(inferencer, folder, limits)
    page = build_page(gradio, service, find_examples(inferencer.cfg, service.folder))
    theme = gradio.themes.Default(font=['DejaVu Sans', 'sans-serif'], font_mono=['monospace'])  # no font of a server
    page.queue(default_concurrency_limit=1, max_size=20)
    app = gradio.mount_gradio_app(
        fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path='/',
        server_name=host,
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=int(service.limits.megabytes * 1_000_000),
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme,
        css=_CSS,
    )
    return Guard(app, service.folder, _LOCAL if host in _LOCAL else None)


def build_page(gradio: Any, service: WebService, examples: Sequence[Example] = ()) -> Any:
    """Builds the page as Gradio's ``Blocks``."""
    limits = service.limits
    with gradio.Blocks(title='mmavs', analytics_enabled=False, delete_cache=(600, SECONDS_KEPT)) as page:
        gradio.Markdown(
            '# Audio-visual segmentation\n'
            f'The network was {html.escape(service.inferencer.training)}.\n\n'
            f'At most {limits.megabytes:g} MB for each file, {limits.sound_seconds:g} s of sound, and '
            f'{limits.video_seconds:g} s of video. The computer that runs this page keeps files for an hour at most.'
        )
        with gradio.Tab('Picture and sound'), gradio.Row():
            _add_picture_tab(gradio, service, examples)
        with gradio.Tab('Video'), gradio.Row():
            _add_video_tab(gradio, service)
    return page


def _add_picture_tab(gradio: Any, service: WebService, examples: Sequence[Example]) -> None:
    with gradio.Column():
        names = [example.name for example in examples]
        chosen = gradio.Dropdown(names, value=None, label='Example', visible=bool(examples), elem_id='example')
        picture = gradio.Image(type='filepath', label='Picture', height=320, elem_id='picture', **_UPLOAD)
        # The file as it is: Gradio raises errors of its own for what it cannot decode. (A subclass of a component
        # would make Gradio write a .pyi file beside this module.)
        picture.preprocess = lambda payload: None if payload is None else payload.path
        sound = gradio.Audio(type='filepath', label='Sound', editable=False, elem_id='sound', **_UPLOAD)
        title = 'Position of the sound: 0 left, 1 right'
        position = gradio.Slider(0, 1, 0.5, step=0.05, label=title, visible=service.stereo, elem_id='position')
        muted = gradio.Checkbox(label='Mute', elem_id='mute')
        start = gradio.Button('Segment', variant='primary', elem_id='segment')
    with gradio.Column():
        status = gradio.Markdown(elem_id='status')
        overlay = gradio.Image(elem_id='overlay', format='png', **_SHOWN_PICTURE)
        legend = gradio.HTML(elem_id='legend')
        gradio.Markdown('Attention to the audio, mean over the heads')
        attention = gradio.Image(elem_id='attention', format='png', **_SHOWN_PICTURE)
        gradio.Markdown('Audio of the network')
        heard = gradio.Audio(elem_id='heard', **_SHOWN)

    palette = service.inferencer.model.dataset_meta['palette']

    def segment(picture, sound, position, muted):
        options = dict(position=position, muted=muted)
        return answer_picture(lambda: service.segment_picture(picture, sound, **options), palette)

    def choose(name):
        example = next(example for example in examples if example.name == name)
        return example.picture, example.sound, example.position, False

    inputs, outputs = [picture, sound, position, muted], [status, overlay, legend, attention, heard]
    event = dict(_EVENT, show_progress_on=overlay)
    start.click(segment, inputs, outputs, **event)
    for changed in (position, muted):
        changed.input(segment, inputs, outputs, trigger_mode='always_last', **event)
    chosen.input(choose, chosen, inputs, api_visibility='private').then(segment, inputs, outputs, **event)


def _add_video_tab(gradio: Any, service: WebService) -> None:
    with gradio.Column():
        video = gradio.Video(label='Video', elem_id='video', **_UPLOAD)
        start = gradio.Button('Segment the video', variant='primary', elem_id='segment-video')
    with gradio.Column():
        status = gradio.Markdown(elem_id='video-status')
        overlay = gradio.Video(elem_id='video-overlay', **_SHOWN)
        legend = gradio.HTML(elem_id='video-legend')

    classes, palette = service.inferencer.classes, service.inferencer.model.dataset_meta['palette']

    def segment(video):
        return answer_video(lambda: service.segment_video(video), classes, palette)

    start.click(segment, video, [status, overlay, legend], show_progress_on=overlay, **_EVENT)


def answer_picture(run: Callable[[], PictureAnswer], palette: Sequence[Sequence[int]]) -> tuple:
    """Status, overlay, legend, attention map and sound for the page; of an error, its message alone."""
    try:
        answer = run()
    except (OSError, ValueError) as error:
        return error_text(error), None, '', None, None
    found = ', '.join(item.name for item in answer.sounding)
    status = f'Sounding: {html.escape(found)}' if found else 'Nothing sounds'
    rows = [
        (item.name, palette[item.label], f'{100 * item.probability:.0f} %', f'{100 * item.share:.1f} %')
        for item in answer.sounding
    ]
    legend = make_table(('class', 'confidence', 'share of the picture'), rows)
    return status, answer.overlay, legend, answer.attention, answer.sound


def answer_video(run: Callable[[], VideoAnswer], classes: Sequence[str], palette: Sequence[Sequence[int]]) -> tuple:
    """Status, overlay and legend for the page; of an error, its message alone."""
    try:
        answer = run()
    except (ImportError, OSError, ValueError) as error:
        return error_text(error), None, ''
    rows = [(name, palette[list(classes).index(name)], str(count)) for name, count in answer.sounding.items()]
    status = f'{answer.frames} frames' + ('' if rows else ': nothing sounds')
    return status, answer.overlay, make_table(('class', 'frames in which it sounds'), rows)


def error_text(error: Exception) -> str:
    """The message of an error, with names of files and without their folders."""
    words = [osp.basename(word) if word.startswith('/') else word for word in str(error).split(' ')]
    text = ' '.join(words)
    return 'Error: ' + html.escape(text[:1].upper() + text[1:])


def make_table(head: Sequence[str], rows: Sequence[tuple]) -> str:
    """An HTML table; the first cell of a row is the class and the second its color."""
    if not rows:
        return ''
    lines = [
        f'<tr><td><span class="swatch" style="background: rgb({", ".join(map(str, color))})"></span> '
        f'{html.escape(name)}</td>' + ''.join(f'<td>{html.escape(cell)}</td>' for cell in cells) + '</tr>'
        for name, color, *cells in rows
    ]
    heads = ''.join(f'<th>{html.escape(word)}</th>' for word in head)
    return f'<table><tr>{heads}</tr>{"".join(lines)}</table>'
