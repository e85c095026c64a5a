import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MMLogger, print_log
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmavs.utils.unwrapping import unwrap

from .paramwise import AV_KEYS, check_paramwise_cfg


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AVOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Groups the parameters by their settings, as in CAVP.

    Visual parts are trained by SGD, norms and biases without weight decay; the parts in ``head_keys`` have a multiple
    of the learning rate. The audio network is trained by Adam, at a learning rate of its own that the schedule does not
    change (see :class:`VisualPolyLR`). Parameters with equal settings form one group.

    Args:
        optim_wrapper_cfg: Config of the wrapper, with an ``optimizer`` of type :class:`SGDAdam`.
        paramwise_cfg: ``head_keys`` (parts of the model, default ``('neck', 'decode_head', 'auxiliary_head')``),
            ``head_lr_mult`` (default 10), ``backbone_lr_mult`` (default 1), ``audio_keys`` (default
            ``('audio_backbone', )``), ``audio_lr`` (default: lr of the optimizer), ``audio_weight_decay`` (default 0),
            and all keys of mmengine's ``DefaultOptimWrapperConstructor``. ``norm_decay_mult`` and ``bias_decay_mult``
            are 0 by default and apply to visual parts. As in mmengine, learning rate and weight decay of
            ``custom_keys`` replace all other rules.

    Raises:
        ValueError: A key of ``paramwise_cfg`` is not known.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        paramwise_cfg = {'norm_decay_mult': 0.0, 'bias_decay_mult': 0.0, **(paramwise_cfg or {})}
        check_paramwise_cfg(dict(constructor=type(self).__name__, paramwise_cfg=paramwise_cfg))
        self.head_keys = paramwise_cfg.get('head_keys', ('neck', 'decode_head', 'auxiliary_head'))
        self.head_lr_mult = paramwise_cfg.get('head_lr_mult', 10.0)
        self.backbone_lr_mult = paramwise_cfg.get('backbone_lr_mult', 1.0)
        self.audio_keys = paramwise_cfg.get('audio_keys', ('audio_backbone',))
        self.audio_lr = paramwise_cfg.get('audio_lr')
        self.audio_weight_decay = paramwise_cfg.get('audio_weight_decay', 0.0)
        cfg = dict(optim_wrapper_cfg, optimizer={'weight_decay': 0.0, **optim_wrapper_cfg['optimizer']})
        super().__init__(cfg, {key: value for key, value in paramwise_cfg.items() if key not in AV_KEYS})

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the optimizer wrapper of a model."""
        wrapper = super().__call__(unwrap(model))
        for group in wrapper.optimizer.param_groups:
            print_log(
                f'optimizer group {group["name"]}: {len(group["params"])} tensors, {group["algorithm"]}, '
                f'lr {group["lr"]:g}, weight decay {group["weight_decay"]:g}',
                'current',
            )
        return wrapper

    def add_params(self, params: list[dict], module: nn.Module, prefix: str = '', is_dcn_module=None) -> None:
        """Adds one group for each setting. mmengine's method recurses and adds one for each parameter."""
        if prefix:
            super().add_params(params, module, prefix, is_dcn_module)
            return
        with _without_messages():
            super().add_params(params, module, prefix, is_dcn_module)
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        merged: dict[str, dict] = {}
        for group in params:
            settings = self._settings(names[id(group['params'][0])], group)
            key = json.dumps(settings, sort_keys=True, default=str)
            merged.setdefault(key, {'params': [], **settings})['params'] += group['params']
        params[:] = merged.values()

    def _settings(self, name: str, group: dict) -> dict:
        """Settings of a parameter, derived from ``group``, those by mmengine's rules."""
        root = name.split('.')[0]
        audio, head = root in self.audio_keys, root in self.head_keys
        settings = {'lr': self.base_lr, 'weight_decay': self.base_wd, **group}
        del settings['params']
        if not any(key in name for key in self.paramwise_cfg.get('custom_keys', {})):
            if audio:
                settings['lr'] = self.base_lr if self.audio_lr is None else self.audio_lr
                settings['weight_decay'] = self.audio_weight_decay
            elif head:
                settings['lr'] *= self.head_lr_mult
            elif root == 'backbone':
                settings['lr'] *= self.backbone_lr_mult
            if not audio and name.endswith('_bias'):  # `in_proj_bias` of attention, missed by mmengine's rule
                settings['weight_decay'] = self.base_wd * self.paramwise_cfg['bias_decay_mult']
        part = 'audio' if audio else 'head' if head else 'visual'
        if root == 'backbone' and self.backbone_lr_mult != 1:
            part = 'backbone'
        undecayed = self.base_wd and not audio and not settings['weight_decay']
        settings.setdefault('algorithm', 'adam' if audio else 'sgd')
        settings.setdefault('constant_lr', audio)
        return {'name': f'{part}, norms and biases' if undecayed else part, **settings}


@contextmanager
def _without_messages() -> Iterator[None]:
    """Suppresses mmengine's log line for each parameter; the line of each group has the same information."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
