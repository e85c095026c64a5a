"""Keys of `optim_wrapper.paramwise_cfg`."""

from mmavs.utils.nearest import nearest_hint

DEFAULT_KEYS = (
    'custom_keys',
    'bias_lr_mult',
    'bias_decay_mult',
    'norm_decay_mult',
    'dwconv_decay_mult',
    'flat_decay_mult',
    'dcn_offset_lr_mult',
    'bypass_duplicate',
)
"""Keys that mmengine's ``DefaultOptimWrapperConstructor`` reads."""

AV_KEYS = ('head_keys', 'head_lr_mult', 'backbone_lr_mult', 'audio_keys', 'audio_lr', 'audio_weight_decay')
"""Keys that :class:`AVOptimWrapperConstructor` reads in addition."""

_KNOWN = {
    'DefaultOptimWrapperConstructor': DEFAULT_KEYS,
    'AVOptimWrapperConstructor': (*AV_KEYS, *DEFAULT_KEYS),
}


def check_paramwise_cfg(optim_wrapper: dict) -> None:
    """Raises an error for unknown keys. Configs with a constructor of another project are not checked.

    Args:
        optim_wrapper: Config of the optimizer wrapper.

    Raises:
        ValueError: A key is unknown; the message names it, the most similar key, and all known keys.
    """
    constructor = optim_wrapper.get('constructor') or 'DefaultOptimWrapperConstructor'
    known = _KNOWN.get(constructor)
    for key in optim_wrapper.get('paramwise_cfg') or ():
        if known is None or key in known:
            continue
        remedy = ''
        if key in AV_KEYS:
            remedy = (
                " For a learning rate of the audio network use custom_keys={'audio_backbone': dict(lr_mult=...)}, or "
                'set optim_wrapper.constructor to AVOptimWrapperConstructor.'
            )
        hint = nearest_hint(key, known) or '.'
        raise ValueError(
            f'optim_wrapper.paramwise_cfg.{key} is not known to {constructor}{hint} Its keys are '
            f'{", ".join(known)}.{remedy}'
        )
