"""The synthetic weights of the golden networks, made again from a list of names and shapes."""

import json
import math
import zlib

import numpy as np
import torch


def synthetic_weights(golden_file, name):
    """The state dict of ``keys_{name}.json`` in the folder of golden vectors; its README says how it is made."""
    salt = golden_file('salt.txt').read_text()
    shapes = json.loads(golden_file(f'keys_{name}.json').read_text())
    return {key: torch.from_numpy(draw_weight(salt, key, shape)) for key, shape in shapes.items()}


def draw_weight(salt, key, shape):
    rng = np.random.default_rng(zlib.crc32((salt + key).encode()))
    if key.endswith('num_batches_tracked'):
        return np.zeros(shape, np.int64)
    if key.endswith('running_var') or (len(shape) == 1 and key.endswith('weight')):
        value = 0.5 + rng.random(shape)
    elif key.endswith(('running_mean', 'bias')) or len(shape) == 1:
        value = 0.1 * rng.standard_normal(shape)
    else:
        value = rng.standard_normal(shape) * math.sqrt(1 / math.prod(shape[1:]))
    return value.astype(np.float32)
