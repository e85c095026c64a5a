import pytest
from torch import nn

from mmavs.engine import AVRunner


@pytest.mark.parametrize('name', ['file', 'file/below'])
def test_work_dir_that_can_not_be_made_is_named_with_the_remedy(tmp_path, name):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=rf'cannot write .*{name}: .*; a file is in the way: .* another --work-dir'):
        AVRunner(nn.Identity(), str(tmp_path / name))
