import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmavs.data_tools.vpo_builder.inspection import InspectionJob, image_problem, inspect_image, mask_position

HEIGHT, WIDTH = 30, 40


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'picture.jpg'
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)).save(path)
    return str(path)


def encode(mask):
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))


def box(left, top, right, bottom):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def inspect(path, masks, min_area=0.0):
    jobs = InspectionJob(path, HEIGHT, WIDTH, [(i, encode(m)) for i, m in enumerate(masks)], min_area)
    return inspect_image(jobs)['objects']


def test_position_is_the_center_of_mass():
    assert mask_position(np.array([[1, 0, 0, 0]], np.uint8)) == pytest.approx(0.5 / 4)
    assert mask_position(np.array([[0, 0, 0, 1]], np.uint8)) == pytest.approx(3.5 / 4)
    assert mask_position(np.ones((300, 500), np.uint8)) == pytest.approx(0.5)
    # an L: columns 0 to 3 with 3, 1, 1, 1 pixels: (3 * 0.5 + 1.5 + 2.5 + 3.5) / 6 = 1.5 of 4
    assert mask_position(np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], np.uint8)) == pytest.approx(1.5 / 4)


def test_mirrored_mask_has_the_mirrored_position():
    mask = np.random.default_rng(0).integers(0, 2, (20, 33)).astype(np.uint8)
    assert mask_position(mask[:, ::-1]) == pytest.approx(1 - mask_position(mask))


def test_objects_have_pixels_and_position(picture):
    assert inspect(picture, [box(0, 0, 10, 5), box(20, 10, 40, 30)]) == [[0, 50, 0.125], [1, 400, 0.75]]


def test_small_and_empty_objects_are_left_out(picture):
    masks = [box(0, 0, 4, 3), box(10, 10, 15, 15), np.zeros((HEIGHT, WIDTH), bool)]
    assert [o[0] for o in inspect(picture, masks, min_area=12 / (HEIGHT * WIDTH))] == [0, 1]
    assert [o[0] for o in inspect(picture, masks, min_area=13 / (HEIGHT * WIDTH))] == [1]


def test_hidden_objects_are_left_out(picture):
    behind = box(0, 0, 4, 3)
    assert [o[0] for o in inspect(picture, [behind, behind])] == [1]  # annotated twice
    assert [o[0] for o in inspect(picture, [box(0, 0, 20, 10), box(0, 0, 10, 10), box(10, 0, 20, 10)])] == [1, 2]


def test_visibility_is_that_of_a_painted_image(picture):
    rng = np.random.default_rng(1)
    for _ in range(30):
        corners = np.sort(rng.integers(0, 12, (6, 2, 2)), axis=1)
        masks = [box(2 + a, 2 + b, 3 + c, 3 + d) for (a, b), (c, d) in corners]
        canvas = np.full((HEIGHT, WIDTH), -1)
        for i in sorted(range(6), key=lambda i: (-masks[i].sum(), i)):
            canvas[masks[i]] = i
        assert [o[0] for o in inspect(picture, masks)] == sorted(set(canvas.ravel()) - {-1})


def test_problems_of_images_are_named(picture, tmp_path):
    data = open(picture, 'rb').read()
    (tmp_path / 'cut.jpg').write_bytes(data[: len(data) // 2])
    (tmp_path / 'text.jpg').write_text('<html>not found</html>')
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.open(picture).save(tmp_path / 'turned.jpg', exif=turned)
    size = {'height': HEIGHT, 'width': WIDTH}
    assert image_problem(picture, **size) is None
    assert '40 x 30' in image_problem(picture, height=WIDTH, width=HEIGHT)
    assert image_problem(str(tmp_path / 'none.jpg'), **size) == 'missing'
    for name, reason in (('cut', 'truncated'), ('text', 'cannot be decoded'), ('turned', 'EXIF')):
        problem = image_problem(str(tmp_path / f'{name}.jpg'), **size)
        assert reason in problem
        assert str(tmp_path) not in problem
