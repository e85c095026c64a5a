"""Names of the entries of the authors' PVT-v2 in timm, for mmseg's ``TIMMBackbone``."""

import re

_STAGE = re.compile(r'^(patch_embed|block|norm)(\d)\.')


def to_timm(name: str) -> str:
    """The name in ``TIMMBackbone`` of an entry of PVT-v2; other names are returned unchanged."""
    match = _STAGE.match(name)
    if match is None:
        return name
    part, stage, rest = match[1], int(match[2]) - 1, name[match.end() :].replace('dwconv.dwconv', 'dwconv')
    if part == 'block':
        return f'timm_model.stages_{stage}.blocks.{rest}'
    if part == 'norm':
        return f'timm_model.stages_{stage}.norm.{rest}'
    return f'timm_model.patch_embed.{rest}' if stage == 0 else f'timm_model.stages_{stage}.downsample.{rest}'


def is_pvt(names) -> bool:
    """True if the entries of a backbone, without its prefix, are those of PVT-v2."""
    return any(_STAGE.match(name) for name in names)
