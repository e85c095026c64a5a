"""Pictures of all kinds become upright images of three channels, uint8, BGR."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.apis.pictures import load_picture, resize_picture


@pytest.fixture
def bgr():
    return np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)


def test_file_array_tensor_and_pil_image_agree(tmp_path, bgr):
    cv2.imwrite(str(tmp_path / 'a.png'), bgr)
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    forms = [str(tmp_path / 'a.png'), tmp_path / 'a.png', bgr, torch.from_numpy(rgb).permute(2, 0, 1),
             Image.fromarray(rgb)]  # fmt: skip
    for picture in forms:
        assert np.array_equal(load_picture(picture), bgr)


def test_gray_alpha_and_16_bits(tmp_path, bgr):
    gray = bgr[..., 0]
    cv2.imwrite(str(tmp_path / 'gray.png'), gray)
    cv2.imwrite(str(tmp_path / 'alpha.png'), np.dstack([bgr, gray]))
    cv2.imwrite(str(tmp_path / 'deep.png'), bgr.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / 'deepgray.png'), gray.astype(np.uint16) * 257)
    three = np.repeat(gray[..., None], 3, axis=2)
    for picture, expected in [
        ('gray.png', three),
        ('alpha.png', bgr),
        ('deep.png', bgr),
        ('deepgray.png', three),
        (gray, three),
        (gray[..., None], three),
        (np.dstack([bgr, gray]), bgr),
        (bgr.astype(np.uint16) * 257, bgr),
        (torch.from_numpy(gray), three),
        (torch.from_numpy(gray)[None], three),
    ]:
        found = load_picture(str(tmp_path / picture) if isinstance(picture, str) else picture)
        assert np.array_equal(found, expected)


def test_exif_orientation_is_applied(tmp_path):
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:, 24:] = 255  # right part white
    exif = Image.Exif()
    exif[0x0112] = 6  # displayed with a rotation by 90 degrees clockwise
    Image.fromarray(stored).save(tmp_path / 'photo.jpg', quality=95, exif=exif)
    found = load_picture(str(tmp_path / 'photo.jpg'))
    assert found.shape == (32, 16, 3)
    assert found[28].mean() > 240 and found[4].mean() < 15  # the right part is below now


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.jpg', b'', 'empty'),
        ('a.jpg', b'no picture at all', 'not an image'),
        ('a.png', None, 'truncated'),
    ],
)
def test_unreadable_file_is_named(tmp_path, bgr, name, content, message):
    if content is None:
        content = cv2.imencode('.png', bgr)[1].tobytes()[:-20]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OSError, match=rf'(?s){name}.*{message}|{message}.*{name}'):
        load_picture(str(tmp_path / name))


def test_missing_file_and_unusable_arrays_are_refused(tmp_path, bgr):
    with pytest.raises(FileNotFoundError, match=r'picture not found: .*b\.png'):
        load_picture(str(tmp_path / 'b.png'))
    for array in (bgr / 255, bgr[..., :2], bgr[None], np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match=r'uint8 or uint16 \(H, W, 3\) BGR, got'):
            load_picture(array)
    with pytest.raises(ValueError, match='got list'):
        load_picture([bgr])


def test_resized_picture_keeps_type(bgr):
    assert resize_picture(bgr, None) is bgr
    assert resize_picture(bgr, (6, 8)).shape == (6, 8, 3)
