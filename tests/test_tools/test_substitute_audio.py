"""tools/dataset_converters/substitute_audio.py on the generated S4."""

import sys
from pathlib import Path

import pytest

from mmavs.datasets import AVSBenchObjectDataset

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters'
sys.path.insert(0, str(TOOLS))

from substitute_audio import main  # noqa: E402


def words(mini, out):
    sounds = mini / 'VGGSound'
    given = [mini / 'AVSBench-object', '--out', out, '--sounds-csv', sounds / 'vggsound.csv']
    return [str(w) for w in (*given, '--sounds', sounds / 'audios', '--workers', 1)]


def test_generated_tree_with_other_audio(mini_avsbench_root, tmp_path, capsys):
    main(words(mini_avsbench_root, tmp_path / 'out'))
    assert '12 clips, 12 audio files written, 0 listed recordings missing' in capsys.readouterr().out
    pipeline = [dict(type=t) for t in ('LoadFrame', 'LoadAVAnnotations')]
    pipeline.insert(1, dict(type='LoadAudio', duration=1.0, channels=1))
    old, new = (
        AVSBenchObjectDataset('s4', 'test', data_root=str(root), pipeline=pipeline)
        for root in (mini_avsbench_root / 'AVSBench-object', tmp_path / 'out')
    )
    assert len(old) == len(new) == 10
    for a, b in zip(old, new, strict=True):
        assert a['clip'] == b['clip'] and (a['img'] == b['img']).all() and (a['gt_seg_map'] == b['gt_seg_map']).all()
        assert (a['audio'] != b['audio']).any() and b['audio'].abs().max() > 0.01
    main(words(mini_avsbench_root, tmp_path / 'out'))
    assert '0 audio files written' in capsys.readouterr().out


def test_errors_end_the_tool_with_a_message(mini_avsbench_root, tmp_path):
    with pytest.raises(SystemExit, match='error: --val-fraction must lie'):
        main([*words(mini_avsbench_root, tmp_path / 'out'), '--val-fraction', '2'])
