"""Registries of the scope ``mmavs``: children of mmseg's, in which all modules of this package are registered.

mmengine adds ``_scope_='mmavs'`` to what a config inherits with ``_base_ = 'mmavs::...'``. Such a module is looked up
here, then in mmseg's registry, then in mmengine's.
"""

import mmseg.registry
from mmengine.registry import Registry

SCOPE = 'mmavs'

REGISTRIES = tuple(
    Registry(parent.name, parent=parent, scope=SCOPE, locations=['mmavs'])
    for parent in (getattr(mmseg.registry, name) for name in mmseg.registry.__all__)
    if isinstance(parent, Registry)
)
