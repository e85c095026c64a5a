import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """For tensors as small as these, threads mostly wait for one another, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
