import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from mmavs.datasets.image_file import check_image_complete
from mmavs.datasets.label_table import UNKNOWN_VALUE
from mmavs.datasets.transforms import LoadAVAnnotations, LoadFrame

JPEG_LOSS = 15
TABLE = np.full(256, UNKNOWN_VALUE, np.uint8)
TABLE[[0, 3, 5, 17, 255]] = [0, 5, 1, 6, 255]


@pytest.fixture
def image():
    """RGB, smooth enough for a JPEG to be close to it."""
    y, x = np.mgrid[:48, :64]
    return np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=-1).astype(np.uint8)


def encode(image, fmt, **kwargs):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, fmt, **kwargs)
    return buffer.getvalue()


def deviation(bgr, rgb):
    return int(np.abs(bgr[..., ::-1].astype(int) - rgb).max())


def load(tmp_path, content, name='frame.jpg', **kwargs):
    (tmp_path / name).write_bytes(content)
    return LoadFrame(**kwargs)(dict(img_path=str(tmp_path / name)))


@pytest.mark.parametrize(('fmt', 'tolerance'), [('PNG', 0), ('BMP', 0), ('JPEG', JPEG_LOSS)])
def test_frame(tmp_path, image, fmt, tolerance):
    results = load(tmp_path, encode(image, fmt))
    assert results['img'].dtype == np.uint8
    assert results['img_shape'] == results['ori_shape'] == (48, 64)
    assert deviation(results['img'], image) <= tolerance


def test_frame_to_float32(tmp_path, image):
    img = load(tmp_path, encode(image, 'PNG'), to_float32=True)['img']
    assert img.dtype == np.float32
    np.testing.assert_array_equal(img[..., ::-1], image)


def test_gray_frame_gets_three_channels(tmp_path, image):
    assert load(tmp_path, encode(image[..., 0], 'JPEG'))['img'].shape == (48, 64, 3)


def with_thumbnail(image):
    """A JPEG with a complete JPEG inside its EXIF block."""
    main, thumbnail = encode(image, 'JPEG'), encode(image[::4, ::4], 'JPEG')
    block = b'Exif\0\0' + thumbnail
    return main[:2] + b'\xff\xe1' + struct.pack('>H', len(block) + 2) + block + main[2:]


def jpegs(image):
    return dict(
        baseline=encode(image, 'JPEG'),
        progressive=encode(image, 'JPEG', progressive=True),
        thumbnail=with_thumbnail(image),
        restart=encode(image, 'JPEG', restart_marker_rows=1),
    )


@pytest.mark.parametrize('kind', ['baseline', 'progressive', 'thumbnail', 'restart'])
@pytest.mark.parametrize('tail', [b'', b'\0' * 700, b'a tag behind the image', b'a video \xff\xda of the same moment'])
def test_complete_jpeg(tmp_path, image, kind, tail):
    results = load(tmp_path, jpegs(image)[kind] + tail)
    assert deviation(results['img'], image) <= JPEG_LOSS


@pytest.mark.parametrize('kind', ['baseline', 'progressive', 'thumbnail', 'restart'])
def test_truncated_jpeg(tmp_path, image, kind):
    """At any length."""
    content = jpegs(image)[kind]
    for length in range(2, len(content) - 1, 7):
        with pytest.raises(OSError, match=r'image .*frame\.jpg'):
            load(tmp_path, content[:length])


@pytest.mark.parametrize('kind', ['baseline', 'progressive', 'thumbnail', 'restart'])
def test_cut_inside_the_pixels_is_noticed_before_decoding(image, kind):
    """Some decoders fill the rest with gray without an error."""
    content = jpegs(image)[kind]
    check_image_complete(content, 'frame.jpg')
    for length in range(content.rfind(b'\xff\xda') + 2, len(content) - 1):
        with pytest.raises(OSError, match=r'truncated: frame\.jpg'):
            check_image_complete(content[:length], 'frame.jpg')


def test_truncated_png(tmp_path, image):
    content = encode(image, 'PNG')
    for length in range(4, len(content), 13):
        with pytest.raises(OSError, match=rf'truncated: .*frame\.png \({length} bytes\)'):
            load(tmp_path, content[:length], 'frame.png')


@pytest.mark.parametrize('length', [1, 100])
def test_png_with_trailing_bytes(tmp_path, image, length):
    results = load(tmp_path, encode(image, 'PNG') + bytes(length), 'frame.png')
    np.testing.assert_array_equal(results['img'][..., ::-1], image)


@pytest.mark.parametrize('content', [b'', b'<html>', b'\xff\xd8\xff\xda\xff\xd9', bytes(1000)])
def test_not_an_image(tmp_path, content):
    with pytest.raises(OSError, match=r'cannot decode image .*frame\.jpg: .*Fetch it again or remove it') as error:
        load(tmp_path, content)
    assert content or 'the file is empty' in str(error.value)


def test_missing_frame(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'image not found: .*gone\.jpg\. Fetch it, .*`data_root`'):
        LoadFrame()(dict(img_path=str(tmp_path / 'gone.jpg')))


def test_other_formats_are_not_checked():
    check_image_complete(b'BM and so on', 'a.bmp')


def load_mask(tmp_path, content, **results):
    path = tmp_path / 'mask.png'
    path.write_bytes(content if isinstance(content, bytes) else encode(content, 'PNG'))
    return LoadAVAnnotations()(
        dict(seg_map_path=str(path), img_path='frame.jpg', label_table=TABLE, seg_fields=[], **results)
    )


def test_mask(tmp_path):
    """Car (3 -> 5) and airplane (5 -> 1) in one mask: replacing value by value would make every car an airplane."""
    mask = np.array([[0, 3, 5], [17, 255, 3]], np.uint8)
    results = load_mask(tmp_path, mask, ori_shape=(2, 3))
    assert results['gt_seg_map'].tolist() == [[0, 5, 1], [6, 255, 5]]
    assert results['gt_seg_map'].dtype == np.uint8
    assert results['seg_fields'] == ['gt_seg_map']


def test_mask_with_color_table(tmp_path):
    """The indices are used, not the colors."""
    image = Image.fromarray(np.array([[0, 3, 5]], np.uint8).repeat(2, 0))
    image.putpalette([7, 8, 9] * 256)
    buffer = io.BytesIO()
    image.save(buffer, 'PNG')
    assert load_mask(tmp_path, buffer.getvalue())['gt_seg_map'].tolist() == [[0, 5, 1]] * 2


@pytest.mark.parametrize('shape', [(2, 1), (1, 3), (1, 1)])
def test_mask_of_one_row_or_column(tmp_path, shape):
    assert load_mask(tmp_path, np.full(shape, 17, np.uint8), ori_shape=shape)['gt_seg_map'].shape == shape


def test_mask_of_another_size(tmp_path):
    message = r'differ in size: frame\.jpg is \(3, 2\), .*mask\.png is \(2, 3\) .*Use the image that the mask was drawn'
    with pytest.raises(ValueError, match=message):
        load_mask(tmp_path, np.zeros((2, 3), np.uint8), ori_shape=(3, 2))


def test_unknown_values(tmp_path):
    mask = np.array([[0, 200], [100, 200]], np.uint8)
    with pytest.raises(ValueError, match=r'mask\.png has the values \[100, 200\].*mask_values'):
        load_mask(tmp_path, mask)


@pytest.mark.parametrize(
    ('mask', 'found'),
    [
        (np.zeros((4, 5), np.uint16), 'uint16'),
        (np.zeros((4, 5, 3), np.uint8), r'\(4, 5, 3\)'),
        (np.zeros((4, 5, 4), np.uint8), r'\(4, 5, 4\)'),
    ],
)
def test_mask_with_wrong_type(tmp_path, mask, found):
    with pytest.raises(ValueError, match=rf'one channel of 8 bits: .*mask\.png.*{found}.*Save its values as'):
        load_mask(tmp_path, mask)


def test_damaged_mask(tmp_path):
    content = encode(np.random.randint(0, 2, (40, 50)).astype(np.uint8), 'PNG')
    with pytest.raises(OSError, match=r'truncated: .*mask\.png'):
        load_mask(tmp_path, content[:-20])
    middle = len(content) // 2
    with pytest.raises(OSError, match=r'cannot decode image .*mask\.png'):
        load_mask(tmp_path, content[:middle] + b'\0' * 20 + content[middle + 20 :])


def test_missing_mask(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'mask not found: .*gone\.png\. Fetch it, .*`data_root`'):
        LoadAVAnnotations()(dict(seg_map_path=str(tmp_path / 'gone.png'), label_table=TABLE, seg_fields=[]))


def test_other_backend(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((2, 3), 17, np.uint8))
    results = dict(seg_map_path=str(tmp_path / 'a.png'), label_table=TABLE, seg_fields=[])
    assert LoadAVAnnotations(imdecode_backend='cv2')(results)['gt_seg_map'].tolist() == [[6] * 3] * 2


def test_repr():
    assert repr(LoadFrame()).startswith('LoadFrame(ignore_empty=False, to_float32=False,')
    assert repr(LoadAVAnnotations()).startswith('LoadAVAnnotations(')


@pytest.mark.parametrize('orientation', [3, 6])
def test_load_frame_ignores_the_exif_orientation(tmp_path, orientation):
    """Masks are drawn on the stored pixels; a rotation by 180 degrees would keep the size and raise no error."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[0, 0] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'turned.jpg', exif=exif, quality=100, subsampling=0)
    path = tmp_path / 'turned.jpg'
    img = LoadFrame()(dict(img_path=str(path)))['img']
    assert img.shape == (6, 8, 3)
    assert img[0, 0].min() > 200 and img[-1, -1].max() < 60


@pytest.mark.parametrize('size', [(20, 30), (96, 50)])
def test_loaded_size_becomes_the_original_size(tmp_path, image, size):
    """Image and mask of equal size; the mask keeps its values."""
    Image.fromarray(image).save(tmp_path / 'a.png')
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[10:30, 20:50] = 17
    Image.fromarray(mask).save(tmp_path / 'm.png')
    results = dict(img_path=str(tmp_path / 'a.png'), seg_map_path=str(tmp_path / 'm.png'))
    results.update(label_table=TABLE, seg_fields=[])
    results = LoadAVAnnotations(size=size)(LoadFrame(size=size)(results))
    assert results['img'].shape == (*size, 3) and results['gt_seg_map'].shape == size
    assert results['ori_shape'] == results['img_shape'] == size and results['file_shape'] == (48, 64)
    expected = cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST) // 17 * 6
    np.testing.assert_array_equal(results['gt_seg_map'], expected)
    np.testing.assert_array_equal(results['img'], cv2.resize(image[..., ::-1], size[::-1]))
    results['seg_map_path'] = None
    assert np.array_equal(LoadAVAnnotations(size=size)(results)['gt_seg_map'], np.full(size, 255))


def test_masks_of_another_size_are_refused_though_both_are_resized(tmp_path, image):
    Image.fromarray(image).save(tmp_path / 'a.png')
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / 'm.png')
    results = dict(img_path=str(tmp_path / 'a.png'), seg_map_path=str(tmp_path / 'm.png'))
    results.update(label_table=TABLE, seg_fields=[])
    with pytest.raises(ValueError, match=r'differ in size: .*\(48, 64\).*\(10, 10\)'):
        LoadAVAnnotations(size=(8, 8))(LoadFrame(size=(8, 8))(results))


@pytest.mark.parametrize('size', [224, (224,), (0, 5)])
@pytest.mark.parametrize('transform', [LoadFrame, LoadAVAnnotations])
def test_bad_size(transform, size):
    with pytest.raises(ValueError, match=rf'{transform.__name__}: size must be \(height, width\)'):
        transform(size=size)
