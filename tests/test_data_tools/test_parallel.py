import os
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import torch

from mmavs.data_tools.parallel import WorkerPool
from mmavs.data_tools.vpo_builder import recordings

# `PyDLL` keeps the interpreter's lock, like some C code that decodes damaged files.
BUSY_IN_C = """
import ctypes, json, os, sys
from mmavs.data_tools.parallel import WorkerPool

print(os.getpid(), flush=True)

def sleep_in_c(folder):
    open(os.path.join(folder, str(os.getpid())), 'w').close()
    ctypes.PyDLL(None).sleep(60)

with WorkerPool(2) as pool:
    list(pool.map(sleep_in_c, [sys.argv[1]] * 100, total=100, desc=''))
"""


def test_results_come_in_the_order_of_the_jobs():
    paths = [(f'/none/{i}', 3.0) for i in range(100)]
    with WorkerPool(3) as pool:
        spread = list(pool.map(recordings.recording_problem, paths, total=len(paths), desc=''))
    assert spread == [recordings.recording_problem(p) for p in paths]


@pytest.mark.slow
def test_spawned_workers_give_the_same_results():
    paths = [(f'/none/{i}', 3.0) for i in range(40)]
    with WorkerPool(2, start_method='spawn') as pool:
        results = list(pool.map(recordings.recording_problem, paths, total=len(paths), desc=''))
        modules = list(pool.map(process_and_threads, range(40), total=40, desc=''))
    assert results == [recordings.recording_problem(p) for p in paths]
    assert {threads for _, threads in modules} == {1} and os.getpid() not in {pid for pid, _ in modules}


def test_forked_workers_have_one_thread_and_opencv_works_in_them():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        blur(0)  # starts OpenCV's threads in this process
        with WorkerPool(2) as pool:
            assert list(pool.map(blur, range(40), total=40, desc='')) == [1] * 40
        assert blur(0) == 4
    finally:
        cv2.setNumThreads(threads)


def blur(_):
    image = np.zeros((1000, 1000, 3), np.uint8)
    cv2.LUT(cv2.GaussianBlur(image, (0, 0), 3), np.arange(256, dtype=np.uint8))
    return cv2.getNumThreads()


def test_jobs_are_taken_as_they_are_needed():
    taken = []
    jobs = (taken.append(i) or (f'/none/{i}', 3.0) for i in range(1000))
    with WorkerPool(2) as pool:
        results = pool.map(recordings.recording_problem, jobs, total=1000, desc='')
        next(results)
        assert len(taken) < 300
        results.close()


def test_error_of_a_job_is_raised_in_this_process():
    with WorkerPool(2) as pool, pytest.raises(TypeError):
        list(pool.map(recordings.recording_problem, [None] * 100, total=100, desc=''))


def test_end_of_a_worker_is_an_error_with_the_remedy():
    with WorkerPool(2) as pool, pytest.raises(RuntimeError, match='fewer --workers'):
        list(pool.map(os._exit, [1] * 100, total=100, desc=''))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='elsewhere a thread ends workers, which waits for C code')
def test_workers_in_c_code_end_with_their_parent(tmp_path):
    with subprocess.Popen(
        [sys.executable, '-c', BUSY_IN_C, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        parent.stdout.readline()
        workers = wait_for(lambda: os.listdir(tmp_path) if len(os.listdir(tmp_path)) == 2 else None)
        parent.kill()
    assert wait_for(lambda: all(state(pid) == 'Z' for pid in workers))


def test_forked_workers_import_nothing_again():
    with WorkerPool(2) as pool:
        modules = list(pool.map(own_modules, range(100), total=100, desc=''))
    if sys.platform == 'linux':
        assert {id_ for id_, _ in modules} == {id(recordings)}
    assert os.getpid() not in {pid for _, pid in modules}


def process_and_threads(_):
    return os.getpid(), max(torch.get_num_threads(), cv2.getNumThreads())


def test_forked_workers_do_not_keep_memory_of_later(monkeypatch):
    with WorkerPool(2, start_method='fork') as pool:
        monkeypatch.setattr(recordings, 'LATER', bytes(10), raising=False)
        assert list(pool.map(has_later, range(40), total=40, desc='')) == [False] * 40


def has_later(_):
    return hasattr(recordings, 'LATER')


def own_modules(_):
    return id(sys.modules[recordings.__name__]), os.getpid()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def state(pid):
    try:
        return open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[0]
    except OSError:
        return 'Z'
