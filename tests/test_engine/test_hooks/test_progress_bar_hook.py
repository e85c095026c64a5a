from types import SimpleNamespace

from mmavs.engine import ProgressBarHook


def test_bar_starts_at_the_current_iteration(capsys):
    runner = SimpleNamespace(max_iters=10, iter=6)
    hook = ProgressBarHook()
    hook.before_train(runner)
    for i in range(4):
        hook.after_train_iter(runner, i)
    hook.after_train(runner)
    last = capsys.readouterr().err.split('\r')[-1]
    assert last.startswith('train: 100%') and '10/10' in last


def test_validation_and_test_have_their_own_bars(capsys):
    runner = SimpleNamespace(val_dataloader=range(3), test_dataloader=range(2))
    hook = ProgressBarHook()
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0)
    hook.after_val_epoch(runner)
    assert '1/3' in capsys.readouterr().err.split('\r')[-1]
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0)
    hook.after_test_iter(runner, 1)
    hook.after_test_epoch(runner)
    assert '2/2' in capsys.readouterr().err.split('\r')[-1]
