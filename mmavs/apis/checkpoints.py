"""Weights, config, classes and colors of a checkpoint, for the inferencer."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.runner import CheckpointLoader, load_state_dict
from mmseg.utils import get_classes, get_palette
from torch import nn

from mmavs.datasets.metainfo.palette import bit_interleaved_palette
from mmavs.engine import checked_local_files

from .config_text import ConfigTextError, check_types, parse_config_text, read_config_text


def read_checkpoint(path: str) -> dict:
    """Loads a checkpoint from a path or URL with the weights-only check.

    Raises:
        FileNotFoundError, ValueError, pickle.UnpicklingError: see :func:`load_from_local_file`.
    """
    with checked_local_files():
        return CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')


def stored_config(checkpoint: dict, source: str) -> ConfigDict:
    """The config that a checkpoint contains, read as data.

    Raises:
        ConfigTextError: There is no config, or its used parts contain more than values and registered types.
    """
    text = read_config_text(checkpoint, source)
    if text is None:
        raise ConfigTextError(
            f'{source} contains no config: pass the config file of its training as `model`, together with `weights`'
        )
    cfg = parse_config_text(text, source)
    if 'model' not in cfg:
        raise ConfigTextError(f'the config in {source} has no `model`: pass the config file of its training as `model`')
    check_types(cfg.model, source)
    check_types(find_pipeline(cfg), source)
    return cfg


def find_pipeline(cfg: Config | ConfigDict) -> list[dict]:
    """The test pipeline of a config, also if its dataset is wrapped or concatenated.

    Raises:
        ValueError: The config has none.
    """
    dataset = find_test_dataset(cfg)
    pipeline = dataset.get('pipeline') or cfg.get('test_pipeline')
    if not pipeline:
        raise ValueError(
            'the config has no test_dataloader.dataset.pipeline, which has the settings of pictures and audio: use the '
            'complete config of the training'
        )
    return list(pipeline)


def find_test_dataset(cfg: Config | ConfigDict) -> dict:
    """The config of the test dataset, or the first of several. ``{}`` if there is none."""
    dataset = (cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and (inner := dataset.get('dataset') or next(iter(dataset.get('datasets', [])), 0)):
        dataset = inner
    return dataset


def find_classes(
    checkpoint: dict,
    source: str,
    *,
    classes: Sequence[str] | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    dataset_name: str | None = None,
) -> dict[str, Any]:
    """Classes and colors of a checkpoint, unless they are given.

    Args:
        checkpoint: Content of the file.
        source: Name of the file, for messages.
        classes: Names of the classes in index order, background first.
        palette: RGB of each class.
        dataset_name: A dataset of mmseg, whose classes and colors are used if they are not given.

    Returns:
        dict: ``classes``, a tuple, and ``palette``, a list.

    Raises:
        ValueError: There are no classes, or not as many colors as classes.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint.get('meta'), dict) else {}
    stored = {str(key).lower(): value for key, value in (meta.get('dataset_meta') or meta).items()}
    if dataset_name is not None:
        classes, palette = classes or get_classes(dataset_name), palette or get_palette(dataset_name)
    elif classes is None:
        classes, palette = stored.get('classes'), palette or stored.get('palette')
    if not classes:
        raise ValueError(
            f'{source} has no names of classes (meta.dataset_meta.classes): pass classes=[...] and palette=[...], '
            'background first, or a checkpoint of mmavs, whose training and converters store them'
        )
    palette = bit_interleaved_palette(len(classes)) if palette is None else palette
    if len(palette) != len(classes):
        raise ValueError(f'palette has {len(palette)} colors for {len(classes)} classes: give one for each')
    return dict(classes=tuple(classes), palette=[list(map(int, color)) for color in palette])


def load_weights(model: nn.Module, checkpoint: dict, source: str) -> None:
    """Loads all weights of a model.

    Raises:
        ValueError: Weights are missing, unexpected or of another shape.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    weights = {key.removeprefix('module.'): value for key, value in weights.items()}
    try:
        load_state_dict(model, weights, strict=True)
    except RuntimeError as error:
        text = ' '.join(str(error).split())
        raise ValueError(
            f'the weights in {source} do not fit the config: {text[:600]}. Leave out `model` to use the config that '
            'the checkpoint contains, or pass the config of its training'
        ) from error


def without_downloads(node: Any) -> Any:
    """A copy of a model's config without pretrained weights, since the checkpoint replaces them."""
    if isinstance(node, dict):
        kept = {key: without_downloads(value) for key, value in node.items() if key != 'pretrained'}
        return {**kept, 'pretrained': False} if str(node.get('type', '')).endswith('TIMMBackbone') else kept
    if isinstance(node, (list, tuple)):
        return type(node)(without_downloads(value) for value in node)
    return node


def describe_training(cfg: Config | ConfigDict, classes: Sequence[str]) -> str:
    """One sentence on the training data of a network, for users."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    parts = [dataset, *dataset.get('datasets', [])]
    roots = list(dict.fromkeys(str(part['data_root']) for part in parts if part.get('data_root')))
    objects = [name for name in classes if name != 'background']
    shown = ', '.join(objects[:12]) + (f' and {len(objects) - 12} more' if len(objects) > 12 else '')
    return f'trained on {", ".join(roots) or "unknown data"}; its classes are {shown}'


def pipeline_with_stored_audio(cfg: Config | ConfigDict, checkpoint: dict, source: str) -> list[dict]:
    """The test pipeline of ``cfg``, with the audio settings of the checkpoint's own config if that can be read."""
    steps = find_pipeline(cfg)
    try:
        stored = find_pipeline(stored_config(checkpoint, source))
    except (ConfigTextError, ValueError):
        return steps
    audio = [step for step in stored if str(step.get('type')).endswith('LoadAudio')]
    return [audio[0] if audio and str(step.get('type')).endswith('LoadAudio') else step for step in steps]


def to_dict(cfg: Any) -> dict:
    """A config or a part of one as a dict."""
    return cfg.to_dict() if hasattr(cfg, 'to_dict') else dict(cfg)
