import numpy as np
import pytest
from vpo_sources import SourceSet, polygon, rle

from mmavs.data_tools.parallel import WorkerPool
from mmavs.data_tools.vpo_builder import build_vpo


@pytest.fixture
def source(tmp_path):
    return SourceSet(tmp_path)


@pytest.fixture
def varied(tmp_path):
    """50 images with one to five objects, of one class or several; half as polygons, half as RLE."""
    made = SourceSet(tmp_path).recordings()
    rng = np.random.default_rng(7)
    animals = ['cat', 'dog', 'bird', 'sheep', 'car']
    for image_id in range(1, 51):
        number = 1 + image_id % 5
        kinds = rng.permutation(animals)[:number] if image_id % 3 else [animals[image_id % 5]] * number + ['chair']
        objects = []
        for kind in [*kinds, *['person'] * (image_id % 2)]:
            left, top = int(rng.integers(0, 40)), int(rng.integers(0, 30))
            box = (left, top, left + int(rng.integers(6, 24)), top + int(rng.integers(6, 18)))
            objects.append((str(kind), *box, {'segmentation': (polygon, rle)[rng.integers(2)](*box)}))
        made.image(image_id, *objects, captions=['A man and some animals.', 'He is outside.'])
    return made


@pytest.fixture
def alone():
    """A pool that works in this process."""
    return WorkerPool(1)


@pytest.fixture
def built(varied):
    paths = varied.write(test_fraction=0.3, val_fraction=0.2)
    return build_vpo('all', **paths), paths
