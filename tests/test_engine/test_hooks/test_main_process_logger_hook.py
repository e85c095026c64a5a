import json
from types import SimpleNamespace
from unittest.mock import Mock

import mmengine.dist.utils
import pytest

from mmavs.engine import MainProcessLoggerHook


@pytest.mark.parametrize('rank', [0, 1])
def test_main_process_alone_writes_the_results_of_a_test(rank, tmp_path, monkeypatch):
    monkeypatch.setattr(mmengine.dist.utils, 'get_rank', lambda group=None: rank)
    hook = MainProcessLoggerHook()
    hook.json_log_path = 'results.json'
    log_processor = SimpleNamespace(get_log_after_epoch=lambda *args, **kwargs: (dict(mIoU=50.0), 'mIoU: 50'))
    runner = Mock(log_processor=log_processor, log_dir=str(tmp_path), test_dataloader=[])
    hook.after_test_epoch(runner)
    written = [json.loads(path.read_text()) for path in tmp_path.glob('*.json')]
    assert written == ([dict(mIoU=50.0)] if rank == 0 else [])
    assert runner.logger.info.called == (rank == 0)
