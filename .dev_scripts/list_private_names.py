"""Lists the private names of mmengine, mmseg and mmcv that mmavs and the tools use; fails if one is not explained.

    python .dev_scripts/list_private_names.py

A private name begins with one underscore. It is used by an import, by an attribute of an object of a host package, or
by a method or attribute of a class that extends one. `KNOWN` holds each use with its owner and the reason. A host
package may rename such a name in any version: the script also checks that the owner still has it.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ('mmengine', 'mmseg', 'mmcv')
PRIVATE = re.compile(r'_[A-Za-z]\w*')


class Known(NamedTuple):
    """A use of a private name without a public alternative.

    Attributes:
        owner: Module or class of the host package that defines the name.
        reason: Why the name is used.
        optional: True if some supported versions do not have the name.
    """

    owner: str
    reason: str
    optional: bool = False


_SEGMENTOR = 'mmavs/models/segmentors/av_encoder_decoder.py'
_ENCODER_DECODER = 'mmseg.models.segmentors.EncoderDecoder'
_HEAD = 'mmseg.models.decode_heads.decode_head.BaseDecodeHead'
_INFERENCER = 'mmengine.infer.BaseInferencer'
KNOWN = {
    **{
        ('mmavs/apis/inferencer.py', name): Known(_INFERENCER, reason)
        for name, reason in (
            ('_init_model', 'the documented method to override; it would execute the config of the checkpoint'),
            ('_init_collate', 'the documented method to override; it would warn of a missing registry'),
            ('_init_pipeline', 'the documented method to override in an inferencer'),
            ('_init_visualizer', 'the documented method to override; it would start the backends of the training'),
            ('_load_model_from_metafile', 'finds models by name, here also those without published weights'),
            ('_get_repo_or_mim_dir', 'the folder of a package with its metafiles'),
            ('_get_models_from_metafile', 'the entries of the metafiles'),
        )
    },
    ('mmavs/compat/mmengine.py', '_safe_torch_load'): Known(
        'mmengine.runner.checkpoint',
        'the fork of mmengine loads rejected files again without the weights-only check',
        optional=True,
    ),
    ('mmavs/datasets/transforms/flip.py', '_flip'): Known(
        'mmcv.transforms.RandomFlip', 'called after the direction is drawn; transform() would draw it again'
    ),
    ('mmavs/datasets/transforms/loading.py', '_load_seg_map'): Known(
        'mmseg.datasets.transforms.LoadAnnotations', 'the only place where masks are read'
    ),
    ('mmavs/engine/hooks/validate_on_resume_hook.py', '_decide_current_val_interval'): Known(
        'mmengine.runner.EpochBasedTrainLoop', 'shows if a validation is due, also with dynamic_intervals'
    ),
    ('mmavs/engine/runner/resuming.py', '_epoch'): Known(
        'mmengine.runner.EpochBasedTrainLoop', 'Runner.resume sets the position by it; the property is read-only'
    ),
    ('mmavs/engine/runner/resuming.py', '_iter'): Known(
        'mmengine.runner.EpochBasedTrainLoop', 'Runner.resume sets the position by it; the property is read-only'
    ),
    ('mmavs/engine/runner/runner.py', '_maybe_compile'): Known(
        'mmengine.runner.Runner', 'compiles a complete method of the model otherwise'
    ),
    ('mmavs/models/data_preprocessor.py', '_non_blocking'): Known(
        'mmengine.model.BaseDataPreprocessor', "mmseg's SegDataPreProcessor does not pass non_blocking on"
    ),
    ('mmavs/engine/schedulers/visual_poly_lr.py', '_get_value'): Known(
        'mmengine.optim.PolyLR', 'the documented method to override in a scheduler of mmengine'
    ),
    **{
        (f'mmavs/models/decode_heads/{file}.py', name): Known(_HEAD, reason)
        for file in ('avsegformer_head', 'tpavi_head')
        for name, reason in (
            ('_transform_inputs', 'selects the input levels; every head of mmseg calls it'),
            ('_stack_batch_gt', 'stacks the labels of a batch, as loss_by_feat() does'),
        )
    },
    (_SEGMENTOR, '_auxiliary_head_forward_train'): Known(
        _ENCODER_DECODER, 'adds the names of the auxiliary heads to their losses'
    ),
    (_SEGMENTOR, '_decode_head_forward_train'): Known(
        _ENCODER_DECODER, 'adds the name of the decode head to its losses'
    ),
    (_SEGMENTOR, '_forward'): Known(_ENCODER_DECODER, "forward() calls it for mode='tensor'"),
}
_PUBLIC = {'_asdict', '_fields', '_make', '_replace', '_exit'}
"""Documented names of named tuples and of ``os``."""


def find_uses(root: Path) -> Iterator[tuple[str, str]]:
    """Yields (file, private name of a host package) for each use."""
    extended = _extended_classes()
    for path in sorted([*root.glob('mmavs/**/*.py'), *root.glob('tools/**/*.py')]):
        name, tree = str(path.relative_to(root)), ast.parse(path.read_text(encoding='utf-8'))
        if '.mim' in path.parts:
            continue
        own = set(_defined(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] in HOSTS:
                yield from ((name, alias.name) for alias in node.names if PRIVATE.fullmatch(alias.name))
            elif isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr) and node.attr not in own | _PUBLIC:
                if not (isinstance(node.value, ast.Name) and node.value.id in ('self', 'cls')):
                    yield name, node.attr
            elif isinstance(node, ast.ClassDef):
                inherited = extended.get((name, node.name), set())
                yield from ((name, used) for used in set(_of_class(node)) & inherited)


def _defined(tree: ast.AST) -> Iterator[str]:
    """Private names that a file defines itself."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == 'self':
                yield node.attr


def _of_class(node: ast.ClassDef) -> Iterator[str]:
    """Private methods that a class defines and private attributes that it uses."""
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            yield part.name
        elif isinstance(part, ast.Attribute) and isinstance(part.value, (ast.Name, ast.Call)):
            yield part.attr


@functools.cache
def _extended_classes() -> dict[tuple[str, str], set[str]]:
    """Private names of the host classes that each class of mmavs extends, by (file, class)."""
    found = {}
    package = importlib.import_module('mmavs')
    for info in pkgutil.walk_packages(package.__path__, 'mmavs.'):
        if '.mim' in info.name:
            continue
        for cls in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(cls) and cls.__module__ == info.name:
                bases = [base for base in cls.__mro__ if base.__module__.split('.')[0] in HOSTS]
                file = str(Path(inspect.getsourcefile(cls)).relative_to(ROOT))
                found[file, cls.__name__] = {name for base in bases for name in private_names(base)}
    return found


def private_names(owner: object) -> set[str]:
    """Private names that a module or class defines, with the attributes that its methods set."""
    owners = owner.__mro__ if inspect.isclass(owner) else (owner,)
    owners = [part for part in owners if part is not object]
    names = {name for part in owners for name in vars(part) if PRIVATE.fullmatch(name)}
    attributes = (re.findall(r'\bself\.(_[A-Za-z]\w*)\b', inspect.getsource(part)) for part in owners)
    return names.union(*attributes)


def find_owner(path: str) -> object:
    """The module or class of a dotted path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition('.')
        return getattr(find_owner(module), name)


def find_problems() -> Iterator[str]:
    """Yields a message for each unexplained use, each entry without a use, and each name that no longer exists."""
    uses = set(find_uses(ROOT))
    for file, name in sorted(uses - KNOWN.keys()):
        yield f'{file}: {name} is a private name of a host package: use a public one, or add the reason to KNOWN'
    for file, name in sorted(KNOWN.keys() - uses):
        yield f'{file}: {name} is no longer used: remove it from KNOWN'
    for (file, name), known in KNOWN.items():
        if not known.optional and name not in private_names(find_owner(known.owner)):
            yield f'{known.owner} no longer has {name}, which {file} needs: {known.reason}'


if __name__ == '__main__':
    for (_file, _name), _known in sorted(KNOWN.items()):
        print(f'{_file}: {_known.owner}.{_name}: {_known.reason}')
    _problems = list(find_problems())
    print('\n'.join(_problems), file=sys.stderr)
    sys.exit(bool(_problems))
