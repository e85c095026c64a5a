"""Identifies a run by its config: method, loss, activation, audio and data. File names are not used."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mmengine.config import ConfigDict

METHODS = dict(CrossAttentionFusion='CAVP', TPAVIFusion='TPAVI', AVSegFormerFusion='AVSegFormer')
LOSSES = dict(CAVPLoss='CAVP', SupConLoss='SupCon', OriginalPairsLoss='original pairs')
BACKBONES = dict(ResNetV1c='ResNet', ResNetV1d='ResNet')
PARTS = {('v1s', 'v1m', 'v2'): 'avss', ('v1s',): 'avss-single', ('v1m', 'v2'): 'avss-multi'}
TRAINED_ON = {'avss-single': 'avss', 'avss-multi': 'avss'}  # Table 2: trained on all parts
CLASSES = dict(s4=2, ms3=2, avss=71, vpo=22)


@dataclass(frozen=True)
class RunClass:
    """The properties that distinguish the runs of the tables.

    Attributes:
        method: CAVP, TPAVI, AVSegFormer, 'image only' or another name. CAVP is its network with any fusion.
        fusion: 'f_CA' or 'TPAVI block'; the others are part of a method.
        loss: 'CAVP', 'SupCon', 'original pairs' or 'none', contrastive loss.
        activation: Activation of the attention; None without f_CA.
        positive_share: In [0, 1], or None for samples drawn as in the authors' code.
        audio: 'stereo', 'mono', 'silent' or, for 'image only', 'none'.
        data: Test set: s4, ms3, avss, avss-single, avss-multi, vpo-ss, vpo-ms, vpo-msmi, or another name.
        labels: Source of the test masks.
        size: '224 x 224' if images are loaded at a size, else 'original size, crops of 512 x 512'.
        backbone: Visual backbone.
        others: Other differences from the paper's set-up, in words; '' if there are none. Runs with such differences
            get separate tables.
        options: Options beyond the paper, sorted.
    """

    method: str
    fusion: str | None
    loss: str
    activation: str | None
    positive_share: float | None
    audio: str
    data: str
    labels: str
    size: str
    backbone: str
    others: str = ''
    options: tuple[str, ...] = field(default=())

    @property
    def setup(self) -> tuple[str, str, str]:
        """The properties that all runs of a table share."""
        return self.backbone, self.size, self.others


def classify(test: ConfigDict, train: ConfigDict | None = None) -> RunClass:
    """Classifies a run.

    Args:
        test: Config of the test.
        train: Config of the training, whose loss, data and augmentation count; that of the test if it is unknown.

    Raises:
        ValueError: The config has no model, no test data, or data of another kind.
    """
    train = train or test
    for key in ('model', 'test_dataloader'):
        if not test.get(key):
            raise ValueError(f'its config has no {key}')
    options = set()
    model = _model(test, options)
    method, fusion = _method(model)
    data, labels = _data(test.test_dataloader)
    is_cavp = method == 'CAVP'
    loss = _model(train, set()).get('contrast_loss') or {}
    return RunClass(
        method=method,
        fusion=fusion,
        loss=LOSSES.get(loss.get('type'), 'none') if is_cavp else 'none',
        activation=model.fusion.get('activation', 'sigmoid') if fusion == 'f_CA' else None,
        positive_share=loss.get('positive_share'),
        audio='none' if method == 'image only' else _audio(test),
        data=data,
        labels=labels,
        size=_size(test),
        backbone=_backbone(model),
        others=_others(test, train, data, model),
        options=tuple(sorted(options | set(_options(test, train, model, loss)))),
    )


def _model(cfg: ConfigDict, options: set[str]) -> ConfigDict:
    model = cfg.model
    if 'module' in model:  # test-time augmentation wraps the model
        options.add('test-time augmentation')
        model = model.module
    return model


def _method(model: ConfigDict) -> tuple[str, str | None]:
    kind = (model.get('fusion') or {}).get('type')
    if kind is None:
        return 'image only', None
    network = model.decode_head.get('type') if isinstance(model.decode_head, dict) else 'cascade'
    plain = (model.get('neck') or {}).get('type') == 'DeepLabV3PlusNeck' and network == 'FCNHead'
    if kind in ('CrossAttentionFusion', 'TPAVIFusion') and plain:
        return 'CAVP', 'f_CA' if kind == 'CrossAttentionFusion' else 'TPAVI block'
    if kind == 'CrossAttentionFusion':
        return f'{network} with f_CA', 'f_CA'
    return METHODS.get(kind, kind), None


def _steps(pipeline: list) -> Iterator[ConfigDict]:
    for step in pipeline:
        if isinstance(step, dict):
            yield step
            nested = step.get('transforms') or ()
        else:
            nested = step
        yield from _steps(nested)


def _parts(loader: ConfigDict) -> list[ConfigDict]:
    dataset = loader.dataset
    while isinstance(dataset.get('dataset'), dict):  # such as RepeatDataset
        dataset = dataset.dataset
    return list(dataset.get('datasets') or [dataset])


def _step(cfg: ConfigDict, loader: str, kind: str) -> ConfigDict:
    for part in _parts(cfg[loader]):
        for step in _steps(part.get('pipeline') or ()):
            if step.get('type') == kind:
                return step
    return ConfigDict()


def _audio(cfg: ConfigDict) -> str:
    load = _step(cfg, 'test_dataloader', 'LoadAudio')
    if load.get('silent'):
        return 'silent'
    return 'mono' if load.get('channels', 2) == 1 else 'stereo'


def _data(loader: ConfigDict) -> tuple[str, str]:
    names = []
    for part in _parts(loader):
        kind = part.get('type')
        if kind == 'VPODataset':
            names.append((f'vpo-{part.get("subset")}', 'VPO'))
        elif kind == 'AVSBenchObjectDataset':
            names.append((part.get('subset', 's4'), 'AVSBench-Object'))
        elif kind == 'AVSBenchSemanticDataset':
            names.append((_semantic_part(part), 'AVSBench-Semantic'))
        else:
            raise ValueError(f'its test data are of type {kind}, which is in no table')
    return ' + '.join(dict.fromkeys(n for n, _ in names)), ' + '.join(dict.fromkeys(n for _, n in names))


def _semantic_part(part: ConfigDict) -> str:
    subsets = part.get('subsets', ('v1s', 'v1m', 'v2'))
    subsets = (subsets,) if isinstance(subsets, str) else tuple(subsets)
    if part.get('binary'):
        return {('v1s',): 's4', ('v1m',): 'ms3'}.get(subsets, 'objects of ' + ', '.join(subsets))
    return PARTS.get(tuple(s for s in ('v1s', 'v1m', 'v2') if s in subsets), 'avss: ' + ', '.join(subsets))


def _size(cfg: ConfigDict) -> str:
    if size := _step(cfg, 'test_dataloader', 'LoadFrame').get('size'):
        return f'{size[0]} x {size[1]}'
    crop = (_model(cfg, set()).get('data_preprocessor') or {}).get('size')
    return f'original size, crops of {crop[0]} x {crop[1]}' if crop else 'original size'


def _backbone(model: ConfigDict) -> str:
    net = model.backbone
    name = f'{BACKBONES.get(net.type, net.type)}'
    if 'depth' in net:
        name += f'-{net.depth}'
    elif net.type == 'TIMMBackbone':
        name = net.get('model_name', name)
    return ', '.join([name, *_details(model)])


def _details(model: ConfigDict) -> list[str]:
    """Describes a ResNet with fewer channels or stages than usual."""
    net, details = model.backbone, []
    if net.get('num_stages', 4) != 4 and 'depth' in net:
        details.append(f'{net.num_stages} stages')
    if net.get('base_channels', 64) != 64 and 'depth' in net:
        details.append(f'{net.base_channels} base channels')
    return details


def _others(test: ConfigDict, train: ConfigDict, data: str, model: ConfigDict) -> str:
    head = model.decode_head if isinstance(model.decode_head, dict) else model.decode_head[-1]
    expected = CLASSES.get(data) or CLASSES.get(data.split('-')[0])
    found = []
    if head.get('num_classes') != expected:
        found.append(f'{head.get("num_classes")} classes')
    (trained, labels), (_, test_labels) = _data(train.train_dataloader), _data(test.test_dataloader)
    if trained != TRAINED_ON.get(data, data):
        found.append(f'trained on {trained}')
    if labels != test_labels:
        found.append(f'trained on masks of {labels}')
    return ', '.join(found)


def _options(test: ConfigDict, train: ConfigDict, model: ConfigDict, loss: ConfigDict) -> Iterator[str]:
    fusion = model.get('fusion') or {}
    coordinates = fusion.get('coordinates', 'input')
    # All narrow networks of the generated sets with f_CA have a position encoding, so that it sets no row apart.
    if fusion.get('position_encoding') and (coordinates == 'image' or not _details(model)):
        yield f'{coordinates} coordinates'
    if (model.get('data_preprocessor') or {}).get('level_difference'):
        yield 'level difference'
    if (tokens := (model.get('audio_backbone') or {}).get('num_tokens', 1)) > 1:
        yield f'{tokens} audio tokens'
    if _step(train, 'train_dataloader', 'AVRandomCrop').get('update_positions'):
        yield 'crop panning'
    if loss.get('strict_sets'):
        yield 'strict sets'
    if any(part.get('multi_instance') is not None for part in _parts(test.test_dataloader)):
        yield 'multiple instances only'
    evaluator = test.get('test_evaluator') or ()
    for metric in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if metric.get('absent', 'skip') != 'skip':
            yield f'absent classes: {metric["absent"]}'
