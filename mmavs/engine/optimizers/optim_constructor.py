from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn

from mmavs.utils.unwrapping import unwrap

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AVOptimWrapperConstructor:
    """Groups the parameters as CAVP trains them.

    Visual parts go to SGD, the parts named in ``head_keys`` at a multiple of the learning rate, norms and biases
    without weight decay. The audio network goes to Adam, at a learning rate of its own that the schedule of the visual
    parts does not touch (see :class:`VisualPolyLR`).

    Args:
        optim_wrapper_cfg: Of the wrapper, with an ``optimizer`` of type :class:`SGDAdam`.
        paramwise_cfg: ``head_keys`` (modules with the multiplied learning rate, default ``('neck', 'decode_head',
            'auxiliary_head')``), ``head_lr_mult`` (default 10), ``audio_keys`` (default ``('audio_backbone', )``),
            ``audio_lr`` (default: the optimizer's lr), ``audio_weight_decay`` (default 0).
    """

    _DEFAULTS = dict(
        head_keys=('neck', 'decode_head', 'auxiliary_head'),
        head_lr_mult=10.0,
        audio_keys=('audio_backbone',),
        audio_lr=None,
        audio_weight_decay=0.0,
    )

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        unknown = set(paramwise_cfg or {}) - set(self._DEFAULTS)
        if unknown:
            raise ValueError(
                f'optim_wrapper.paramwise_cfg does not know {", ".join(sorted(unknown))}; it knows '
                f'{", ".join(self._DEFAULTS)}'
            )
        self.wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.wrapper_cfg.pop('optimizer'))
        self.options = {**self._DEFAULTS, **(paramwise_cfg or {})}

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the optimizer wrapper of a model."""
        model = unwrap(model)
        groups = self.make_groups(model)
        for group in groups:
            print_log(
                f'optimizer group {group["name"]}: {len(group["params"])} tensors, {group["algorithm"]}, '
                f'lr {group["lr"]:g}, weight decay {group["weight_decay"]:g}',
                'current',
            )
        optimizer = OPTIMIZERS.build(dict(self.optimizer_cfg, params=groups))
        self.wrapper_cfg.setdefault('type', 'OptimWrapper')
        return OPTIM_WRAPPERS.build(self.wrapper_cfg, default_args=dict(optimizer=optimizer))

    def make_groups(self, model: nn.Module) -> list[dict]:
        """Parameter groups, in the order in which the model names their first parameters."""
        no_decay = self._undecayed(model)
        groups: dict[tuple, dict] = {}
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            part = self._part(name)
            decayed = part == 'audio' or name not in no_decay
            key = (part, decayed)
            if key not in groups:
                groups[key] = self._new_group(part, decayed)
            groups[key]['params'].append(parameter)
        return list(groups.values())

    def _part(self, name: str) -> str:
        """Whether a parameter belongs to the audio network, the head or the rest of the visual part."""
        root = name.split('.')[0]
        if root in self.options['audio_keys']:
            return 'audio'
        return 'head' if root in self.options['head_keys'] else 'visual'

    def _new_group(self, part: str, decayed: bool) -> dict:
        lr = self.optimizer_cfg['lr']
        if part == 'audio':
            audio_lr = self.options['audio_lr']
            return dict(
                name='audio',
                params=[],
                algorithm='adam',
                constant_lr=True,
                lr=lr if audio_lr is None else audio_lr,
                weight_decay=self.options['audio_weight_decay'],
            )
        return dict(
            name=part if decayed else f'{part}, norms and biases',
            params=[],
            algorithm='sgd',
            constant_lr=False,
            lr=lr * (self.options['head_lr_mult'] if part == 'head' else 1),
            weight_decay=self.optimizer_cfg.get('weight_decay', 0.0) if decayed else 0.0,
        )

    @staticmethod
    def _undecayed(model: nn.Module) -> set:
        """Names of the parameters without weight decay: norms and biases."""
        names = set()
        for prefix, module in model.named_modules():
            for name, _ in module.named_parameters(recurse=False):
                if isinstance(module, _NORMS) or name.endswith('bias'):  # also `in_proj_bias` of attention
                    names.add(f'{prefix}.{name}' if prefix else name)
        return names
