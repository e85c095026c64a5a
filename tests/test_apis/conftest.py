"""A network for the tests of the inferencer."""

import pytest
from checkpoints import tiny_config, write_checkpoint

from mmavs.apis import AVSegInferencer


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('weights') / 'best.pth', tiny_config())


@pytest.fixture(scope='session')
def inferencer(checkpoint):
    """Takes 3 s of stereo sound at 16 kHz."""
    return AVSegInferencer(weights=checkpoint, device='cpu', show_progress=False)
