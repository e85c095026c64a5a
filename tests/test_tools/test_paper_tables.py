"""tools/analysis_tools/paper_tables.py: runs are classified by their configs and fill the cells that they belong to."""

import csv
import json
import re
import statistics
import sys
from pathlib import Path

import pytest
from shipped_configs import load

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'analysis_tools'))  # as when the tool is run

import paper_tables  # noqa: E402
from paper_results.assemble import load_published  # noqa: E402
from paper_results.classify import classify  # noqa: E402

PUBLISHED = load_published()
MSMI = 'cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'


def dump(cfg, path):
    """As ``Config.dump``, without its slow formatting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in cfg.to_dict().items()))


def write_run(folder, config, metrics, *, seed=0, options=None, trained=None, time='20260101_000000'):
    """The files of tools/train.py and tools/test.py: config and checkpoint, and config and metrics of a test."""
    cfg = load(config)
    cfg.merge_from_dict({'randomness.seed': seed, **(options or {})})
    dump(trained or cfg, folder / time / 'vis_data' / 'config.py')
    cfg.load_from = str(folder / 'epoch_80.pth')
    dump(cfg, folder / 'test' / time / 'vis_data' / 'config.py')
    (folder / 'test' / time / f'{time}.json').write_text(json.dumps(metrics))


def run_tool(monkeypatch, *folders, out):
    monkeypatch.setattr(sys, 'argv', ['paper_tables.py', *map(str, folders), '--out', str(out)])
    paper_tables.main()
    with (out / 'tables.csv').open() as file:
        rows = list(csv.DictReader(file))
    return json.loads((out / 'tables.json').read_text()), rows, (out / 'tables.md').read_text()


def test_published_figures_agree_with_the_text_of_the_paper():
    """Differences that the paper states: Table 1's improvements, Table 2's and 3's last rows, Sec. 5.2 and 5.3."""
    values = {}
    for table in PUBLISHED:
        for part in table['parts']:
            for row in part['rows']:
                for column, figures in (row.get('values') or {}).items():
                    assert len(figures) == len(part.get('metrics', table['metrics'])) and column in table['columns']
                    values[table['id'], part['protocol'], row['name'], column] = figures
    frame, whole = (('table1', protocol) for protocol in ('per frame', 'dataset level'))
    ours = (*whole, 'CAVP, masks of AVSBench-Semantic')
    cited = {column: [max(v[i] for (t, p, name, c), v in values.items()
                          if (t, p, c) == (*frame, column) and not name.startswith('CAVP')) for i in (0, 1)]
             for column in ('s4', 'ms3', 'avss')}  # fmt: skip
    for column, gains in dict(s4=(7.81, 5.96), ms3=(6.69, 6.72), avss=(19.77, 28.13)).items():
        assert [a - b for a, b in zip(values[(*ours, column)], cited[column], strict=True)] == pytest.approx(gains)
    for table, second, column, gains in (
        ('table2', 'AVSegFormer', 'avss-single', (4.13, 2.93)),
        ('table2', 'TPAVI', 'avss-multi', (10.11, 9.89, -8.50)),
        ('table2', 'TPAVI', 'avss', (7.36, 5.33, -2.41)),
        ('table3', 'AVSegFormer', 'vpo-ss', (4.76, 5.43, -6.20)),
        ('table3', 'AVSegFormer', 'vpo-ms', (5.98, 4.64, -3.46)),
        ('table3', 'AVSegFormer', 'vpo-msmi', (6.14, 5.21, -3.39)),
    ):
        pair = [values[table, 'dataset level', name, column] for name in ('CAVP', second)]
        found = [a - b for a, b in zip(*pair, strict=True)]
        assert found[: len(gains)] == pytest.approx(gains)
    rows = {name: v for (table, _, name, _), v in values.items() if table == 'figure6'}
    assert rows['sigmoid'][0] - rows['min-max (pixels)'][0] == pytest.approx(2.38)
    rows = [v[0] for (table, *_), v in values.items() if table == 'table5']
    assert (rows[1] - rows[0], rows[1] - rows[2]) == pytest.approx((1.87, 1.56))
    for column in ('vpo-ss', 'vpo-ms', 'vpo-msmi'):
        miou, f, ppv = values['figure7', 'dataset level', 'stereo', column]
        assert [miou, f, 100 - ppv] == pytest.approx(values['table3', 'dataset level', 'CAVP', column])


def test_without_runs_every_cell_is_missing_and_the_cited_rows_are_there(tmp_path, monkeypatch, capsys):
    empty = tmp_path / 'empty'
    empty.mkdir()
    content, rows, markdown = run_tool(monkeypatch, empty, out=tmp_path / 'out')
    fillable = [row for row in rows if row['missing'] == 'True']
    assert all(not row['ours_mean'] for row in rows)
    cited = {row['row'] for row in rows if row['missing'] == 'False'}
    assert {'CATR', 'AuTR', 'AQFormer', 'AVSC', 'BAVS', 'AVSBG', 'ECMVAE', 'DiffusionAVS'} <= cited
    assert not {'CAVP', 'TPAVI', 'f_CA'} & cited and len(fillable) > 100
    assert '| CATR | paper | 74.80 | 86.60 | 52.80 | 65.30 | - | - |' in markdown
    assert f'train and test configs/{MSMI}' in markdown
    assert markdown in capsys.readouterr().out and content['runs'] == []
    assert all((tmp_path / 'out' / f'figure{n}.png').stat().st_size > 10000 for n in (6, 7))
    assert not list((tmp_path / 'out').glob('*.tmp'))


def test_runs_of_several_seeds_fill_their_cell(tmp_path, monkeypatch):
    values = [60.0, 61.0, 65.0]
    for seed, value in enumerate(values):
        write_run(tmp_path / f'any_name_{seed}', MSMI, dict(mIoU=value, mF=70 + value / 10, mFDR=25.0), seed=seed)
    content, rows, markdown = run_tool(monkeypatch, tmp_path, out=tmp_path / 'out')
    place = dict(table='table3', row='CAVP', column='vpo-msmi', metric='mIoU')
    (cell,) = [row for row in rows if all(row[key] == value for key, value in place.items())]
    assert float(cell['ours_mean']) == 62 and float(cell['ours_std']) == pytest.approx(statistics.stdev(values))
    assert (cell['ours_values'], cell['seeds'], cell['paper'], cell['missing']) == (
        '60.0 61.0 65.0',
        '0 1 2',
        '60.36',
        'False',
    )
    filled = {(row['table'], row['row'], row['column']) for row in rows if row['ours_mean']}
    expected = {('table3', 'CAVP'), ('table4', 'CAVP'), ('figure7', 'stereo'), ('beyond', 'CAVP')}
    assert filled == {(*pair, 'vpo-msmi') for pair in expected}
    assert f'62.00 ± {statistics.stdev(values):.2f} (3)' in markdown
    assert content['in_no_table'] == [] and len(content['runs']) == 3
    (ppv,) = [row for row in rows if row['row'] == 'stereo' and row['metric'] == 'PPV' and row['ours_mean']]
    assert float(ppv['ours_mean']) == 75


def test_each_protocol_has_its_own_figures(tmp_path, monkeypatch):
    """The same test of S4 has both families; masks of AVSBench-Semantic make another row."""
    metrics = {'mIoU': 88.0, 'mF': 93.0, 'avsbench_object/J': 78.0, 'avsbench_object/F_max_per_clip': 87.0}
    write_run(tmp_path / 'a', 'cavp/cavp_r50-d16_1xb16-60e_avsbench-s4-224x224.py', metrics)
    write_run(tmp_path / 'b', 'cavp/cavp_r50-d16_1xb16-60e_avss-v1s-binary-224x224.py', dict(metrics, mIoU=85.0))
    _, rows, _ = run_tool(monkeypatch, tmp_path, out=tmp_path / 'out')
    found = {(r['protocol'], r['row'][5:], r['metric']): float(r['ours_mean']) for r in rows if r['ours_mean']}
    masks = [f'masks of AVSBench-{kind}' for kind in ('Object', 'Semantic')]
    assert {row['column'] for row in rows if row['ours_mean']} == {'s4'}
    assert [found['per frame', ' ' + m, 'mIoU'] for m in masks] == [78, 78]
    assert [found['dataset level', ' ' + m, 'mIoU'] for m in masks] == [88, 85]
    assert found['per frame', ' ' + masks[0], 'F'] == 87 and found['dataset level', ' ' + masks[0], 'F'] == 93


def test_loss_and_seed_are_those_of_the_training(tmp_path, monkeypatch):
    """The training of a test is identified by the folder of the checkpoint, also by a relative path."""
    trained = load(MSMI)
    trained.merge_from_dict({'model.contrast_loss.type': 'SupConLoss', 'randomness.seed': 7})
    write_run(tmp_path / 'x', MSMI, dict(mIoU=50.0), trained=trained)
    config = next((tmp_path / 'x' / 'test').rglob('config.py'))
    config.write_text(config.read_text().replace(f'{tmp_path}/', ''))
    assert "load_from = 'x/epoch_80.pth'" in config.read_text()
    content, rows, _ = run_tool(monkeypatch, tmp_path, out=tmp_path / 'out')
    assert {(row['row'], row['seeds']) for row in rows if row['ours_mean']} == {('f_CA and SupCon', '7')}


@pytest.mark.parametrize(
    'options, attribute, value',
    [
        ({'model.fusion.activation': 'minmax'}, 'activation', 'minmax'),
        ({'model.contrast_loss': None}, 'loss', 'none'),
        ({'model.contrast_loss.positive_share': 0.9}, 'positive_share', 0.9),
        ({'test_dataloader.dataset.subset': 'ss'}, 'data', 'vpo-ss'),
        ({'model.fusion.position_encoding': True}, 'options', ('input coordinates',)),
        ({'model.backbone.depth': 101}, 'backbone', 'ResNet-101'),
        ({'model.decode_head.num_classes': 9}, 'others', '9 classes'),
        ({'train_dataloader.dataset.subset': 'ss'}, 'others', 'trained on vpo-ss'),
        ({'test_dataloader.dataset.multi_instance': True}, 'options', ('multiple instances only',)),
        ({'test_evaluator.absent': 'zero'}, 'options', ('absent classes: zero',)),
    ],
)
def test_differences_are_read_from_the_config(options, attribute, value):
    plain, changed = load(MSMI), load(MSMI)
    changed.merge_from_dict(options)
    assert getattr(classify(plain), attribute) != value and getattr(classify(changed), attribute) == value


@pytest.mark.parametrize(
    'config', ['tpavi/tpavi_r18_mini.py', 'avsegformer/avsegformer_r18_mini.py', 'ablations/image-only_r18_mini.py']
)
def test_models_of_the_mini_set_are_in_one_table(config):
    cavp, other = classify(load('cavp/cavp_r18_mini.py')), classify(load(config))
    assert other.setup == cavp.setup and other.data == cavp.data and not other.options and other.method != cavp.method


def test_other_setups_get_separate_tables(tmp_path, monkeypatch):
    write_run(tmp_path / 'mini', 'cavp/cavp_r18_mini.py', dict(mIoU=55.0, mF=66.0, mFDR=20.0))
    write_run(tmp_path / 'mono', 'cavp/cavp_r18_mini-mono.py', dict(mIoU=51.0, mF=60.0, mFDR=30.0))
    content, rows, markdown = run_tool(monkeypatch, tmp_path, out=tmp_path / 'out')
    filled = [row for row in rows if row['ours_mean']]
    assert all('ResNet-18' in row['setup'] and '9 classes' in row['setup'] for row in filled)
    assert {(row['table'], row['row']) for row in filled} >= {
        ('table3', 'CAVP'),
        ('figure7', 'mono'),
        ('figure7', 'stereo'),
    }
    assert '# Another set-up: ResNet-18, 3 stages, 24 base channels' in markdown
    assert (tmp_path / 'out' / 'figure7_2.png').is_file() and content['in_no_table'] == []


def test_runs_that_do_not_count_are_listed_with_the_reason(tmp_path, monkeypatch):
    write_run(tmp_path / 'a', MSMI, dict(mIoU=50.0))
    write_run(tmp_path / 'a', MSMI, dict(mIoU=52.0), time='20260102_000000')
    write_run(tmp_path / 'b', MSMI, dict(mIoU=40.0), options={'model.contrast_loss.strict_sets': True})
    write_run(tmp_path / 'c', MSMI, dict(mIoU=40.0))
    cut = tmp_path / 'c' / 'test' / '20260101_000000' / 'vis_data' / 'config.py'
    cut.write_text(cut.read_text()[:300])
    lone = tmp_path / 'd' / '20260101_000000'
    lone.mkdir(parents=True)
    (lone / '20260101_000000.json').write_text('{"mIoU": 3.0}')
    _, rows, markdown = run_tool(monkeypatch, tmp_path, out=tmp_path / 'out')
    assert {row['ours_values'] for row in rows if row['ours_values'] and row['metric'] == 'mIoU'} == {'52.0'}
    listed = markdown.split('# Runs in no table')[1]
    assert re.search(r'a/test/20260101_000000: .*20260102_000000 is a later test of the same training', listed)
    assert re.search(r'b/test/20260101_000000: CAVP.*strict sets', listed)
    assert re.search(r'c/test/.*config.py cannot be read', listed)
    assert re.search(r'd/20260101_000000: the config of the test.*is missing', listed)


def test_a_folder_that_does_not_exist_is_named(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match='nowhere is not a folder'):
        run_tool(monkeypatch, tmp_path / 'nowhere', out=tmp_path / 'out')
