"""Selection of the folder of the golden vectors."""

import golden_files
import pytest
from golden_files import ALL_FILES, SMALL_FILES, golden_folder, golden_path

LIMIT = 200_000  # bytes


@pytest.fixture
def small_files_alone(monkeypatch, tmp_path):
    monkeypatch.delenv('MMAVS_GOLDEN', raising=False)
    monkeypatch.setattr(golden_files, 'ALL_FILES', tmp_path / 'nowhere')


def test_environment_variable_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv('MMAVS_GOLDEN', str(tmp_path))
    assert golden_path('salt.txt') == tmp_path / 'salt.txt'  # also if only another folder has it: files are not mixed


def test_environment_variable_must_name_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv('MMAVS_GOLDEN', str(tmp_path / 'absent'))
    with pytest.raises(NotADirectoryError, match='MMAVS_GOLDEN=.*absent is not a folder'):
        golden_path('salt.txt')


def test_folder_of_all_files_comes_before_that_of_the_repository(monkeypatch, tmp_path):
    monkeypatch.delenv('MMAVS_GOLDEN', raising=False)
    monkeypatch.setattr(golden_files, 'ALL_FILES', tmp_path)
    assert golden_folder() == tmp_path


def test_small_files_are_in_the_repository(small_files_alone):
    assert golden_path('dataset_metrics.npz') == SMALL_FILES / 'dataset_metrics.npz'
    assert all(path.stat().st_size < LIMIT for path in SMALL_FILES.iterdir())


def test_tests_of_large_files_are_skipped_with_the_remedy(small_files_alone):
    with pytest.raises(pytest.skip.Exception, match='model_vpo_stereo_r50.npz is too large.*set MMAVS_GOLDEN'):
        golden_path('model_vpo_stereo_r50.npz')


def test_repository_has_every_small_file():
    if not ALL_FILES.is_dir():
        pytest.skip(f'{ALL_FILES} does not exist, so there is nothing to compare with')
    small = {path.name for path in ALL_FILES.iterdir() if path.suffix != '.md' and path.stat().st_size < LIMIT}
    assert small <= {path.name for path in SMALL_FILES.iterdir()}
