import json
import os
import subprocess
import sys
import time

import pytest

from mmavs.datasets.vpo_builder import parallel, recordings
from mmavs.datasets.vpo_builder.parallel import WorkerPool

PROBE = """
import json, runpy, sys
runpy.run_path(sys.argv[1])  # the short way in
from mmavs.datasets.vpo_builder.parallel import WorkerPool
from mmavs.datasets.vpo_builder.recordings import recording_problem

if __name__ == '__main__':
    import multiprocessing, time
    with WorkerPool(2) as pool:
        list(pool.map(recording_problem, ['none'] * 100, total=100, desc=''))
        print(json.dumps([p.pid for p in multiprocessing.active_children()]), flush=True)
        time.sleep(60)
else:
    raise SystemExit('a worker ran the main script again')
"""


def test_results_come_in_the_order_of_the_jobs():
    paths = [f'/none/{i}' for i in range(100)]
    with WorkerPool(3) as pool:
        spread = list(pool.map(recordings.recording_problem, paths, total=len(paths), desc=''))
    assert spread == [recordings.recording_problem(p) for p in paths]


def test_jobs_are_taken_as_they_are_needed():
    taken = []
    jobs = (taken.append(i) or f'/none/{i}' for i in range(1000))
    with WorkerPool(2) as pool:
        results = pool.map(recordings.recording_problem, jobs, total=1000, desc='')
        next(results)
        assert len(taken) < 300
        results.close()


def test_error_of_a_job_is_raised_here():
    with WorkerPool(2) as pool, pytest.raises(TypeError):
        list(pool.map(recordings.recording_problem, [None] * 100, total=100, desc=''))


def test_death_of_a_worker_is_an_error_with_the_way_on():
    with WorkerPool(2) as pool, pytest.raises(RuntimeError, match='fewer --workers'):
        list(pool.map(os._exit, [1] * 100, total=100, desc=''))


@pytest.mark.skipif(not os.path.isdir('/proc'), reason='looks into /proc')
def test_workers_are_light_and_end_with_their_parent(tmp_path):
    script = tmp_path / 'main.py'
    script.write_text(PROBE)
    root = os.path.dirname(os.path.dirname(os.path.dirname(recordings.__file__)))
    env = {**os.environ, 'PYTHONPATH': os.path.dirname(root)}
    with subprocess.Popen(
        [sys.executable, str(script), parallel._WORKER_SETUP],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    ) as parent:
        workers = json.loads(parent.stdout.readline())
        libraries = [open(f'/proc/{pid}/maps').read() for pid in workers]
        parent.kill()
    assert len(workers) == 2
    assert all('soundfile' in text or 'sndfile' in text for text in libraries)
    assert not any('libtorch' in text for text in libraries)
    for _ in range(100):
        alive = [pid for pid in workers if os.path.isdir(f'/proc/{pid}') and state(pid) != 'Z']
        if not alive:
            break
        time.sleep(0.1)
    assert not alive


def state(pid):
    try:
        return open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[0]
    except OSError:
        return 'Z'
