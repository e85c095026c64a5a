"""Error messages for failed downloads of timm's weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

_NETWORK_PACKAGES = ('huggingface_hub', 'httpx', 'httpcore', 'requests', 'urllib3')


@contextmanager
def timm_download_remedy(backbone: Mapping[str, Any], key: str = 'model.backbone') -> Iterator[None]:
    """Adds instructions to the error of a failed download of a ``TIMMBackbone``'s weights in this context.

    Args:
        backbone: Config of the backbone.
        key: Name of this config, for messages.

    Raises:
        ConnectionError: The weights cannot be downloaded.
    """
    try:
        yield
    except Exception as error:  # the download libraries raise errors without a common base class
        package = type(error).__module__.partition('.')[0]
        if not _downloads(backbone) or not (isinstance(error, OSError) or package in _NETWORK_PACKAGES):
            raise
        name = backbone.get('model_name')
        raise ConnectionError(
            f"the weights of timm's {name}{_repository(name)} cannot be downloaded ({_first_line(error)}). Download "
            'them on another machine. Either copy its folder ~/.cache/huggingface/hub (or hub in the folder that the '
            'environment variable HF_HOME names) to the same place here, or save the file of the weights and set '
            f'{key}.pretrained_cfg_overlay.file=FILE. To train without pretrained weights, set {key}.pretrained=False'
        ) from error


def _downloads(backbone: Mapping[str, Any]) -> bool:
    is_timm = str(backbone.get('type')).rpartition('.')[2] == 'TIMMBackbone'
    has_file = 'file' in (backbone.get('pretrained_cfg_overlay') or {})
    return is_timm and backbone.get('pretrained', True) and not has_file


def _repository(name: str) -> str:
    if find_spec('timm') is None:
        return ''
    import timm

    found = timm.get_pretrained_cfg(name)
    return f' (https://huggingface.co/{found.hf_hub_id})' if found is not None and found.hf_hub_id else ''


def _first_line(error: Exception) -> str:
    return f'{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else "no connection"}'
