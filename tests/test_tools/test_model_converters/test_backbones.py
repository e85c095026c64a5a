"""ImageNet and AudioSet weights: the converted network does what the library's own does."""

import re
import shlex

import pytest
import resnet2mmseg
import torch
import vggish2mmavs
from mmengine.config import Config, DictAction
from mmseg.registry import MODELS
from torch import nn

from mmavs.models import VGGish

SIZE = (2, 3, 64, 96)


def randomized(model):
    """Random statistics of the norms, since the initial ones have no effect."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            for values in (module.running_var, module.weight, module.bias):
                nn.init.uniform_(values, 0.5, 1.0)
    return model.eval()


def options_of(out):
    """The settings in the command that a tool prints."""
    words = shlex.split(re.search(r'--cfg-options (.*)', out)[1])
    cfg = Config()
    cfg.merge_from_dict({key: DictAction._parse_iterable(value) for key, value in (word.split('=') for word in words)})
    return cfg.model


def build_backbone(out):
    backbone = MODELS.build(options_of(out).backbone)
    backbone.init_weights()
    backbone.eval()
    return backbone


def stages_of_timm(name):
    timm = pytest.importorskip('timm')
    model = randomized(timm.create_model(name))
    return model, lambda image: model.forward_intermediates(image, intermediates_only=True)[-4:]


def stages_of_torchvision(name):
    torchvision = pytest.importorskip('torchvision')
    model = randomized(getattr(torchvision.models, name)())

    def stages(image):
        x = model.maxpool(model.relu(model.bn1(model.conv1(image))))
        found = []
        for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
            found.append(x := stage(x))
        return found

    return model, stages


@pytest.mark.parametrize(
    'library, name, expected',
    [
        (stages_of_torchvision, 'resnet18', 'ResNet-18 with a stem of 64'),
        (stages_of_torchvision, 'resnet50', 'ResNet-50 with a stem of 64'),
        (stages_of_timm, 'resnet34', 'ResNet-34 with a stem of 64'),
        (stages_of_timm, 'resnet50', 'ResNet-50 with a stem of 64'),
        (stages_of_timm, 'resnet50c', 'ResNetV1c-50 with a stem of 64'),
        (stages_of_timm, 'resnet50s', 'ResNetV1c-50 with a stem of 128'),
        (stages_of_timm, 'resnet18d', 'ResNetV1d-18 with a stem of 64'),
        (stages_of_timm, 'resnet50d', 'ResNetV1d-50 with a stem of 64'),
    ],
    ids=lambda value: getattr(value, '__name__', value),
)
@torch.no_grad()
def test_stages_are_those_of_the_library(tmp_path, capsys, library, name, expected):
    model, stages = library(name)
    torch.save(model.state_dict(), tmp_path / f'{name}.pth')
    path = resnet2mmseg.convert(tmp_path / f'{name}.pth', tmp_path / 'out')
    out = capsys.readouterr().out
    assert f'found {expected} channels' in out and 'left out: fc.weight, fc.bias' in out
    assert re.fullmatch(rf'{name}-[0-9a-f]{{8}}\.pth', path.name)
    image = torch.randn(SIZE)
    for found, truth in zip(build_backbone(out)(image), stages(image), strict=True):
        torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-4 * truth.abs().max().item())


def test_safetensors_and_files_older_than_the_counters(tmp_path, capsys):
    timm, safetensors = pytest.importorskip('timm'), pytest.importorskip('safetensors.torch')
    weights = timm.create_model('resnet18').state_dict()
    old = {name: value for name, value in weights.items() if 'num_batches_tracked' not in name}
    safetensors.save_file(old, tmp_path / 'old.safetensors')
    path = resnet2mmseg.convert(tmp_path / 'old.safetensors', tmp_path)
    assert 'added: 20 num_batches_tracked' in capsys.readouterr().out
    converted = torch.load(path, weights_only=True)['state_dict']
    assert torch.equal(converted['layer4.1.conv2.weight'], weights['layer4.1.conv2.weight'])


@pytest.mark.parametrize(
    'name, message',
    [
        ('resnext50_32x4d', 'of another shape: layer1.0.conv2.weight'),
        ('seresnet50', 'unexpected: layer1.0.se'),
        ('resnet26', r'no ResNet with \(2, 2, 2, 2\) bottleneck blocks'),
        ('resnet26t', r'no ResNet with'),
        ('vgg11', 'not a ResNet of torchvision or timm: .* found features, head'),
    ],
)
def test_other_networks_are_refused(tmp_path, name, message):
    timm = pytest.importorskip('timm')
    with torch.device('meta'):
        shapes = {key: value.shape for key, value in timm.create_model(name).state_dict().items()}
    torch.save({key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=message):
        resnet2mmseg.convert(tmp_path / 'other.pth', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


class PublishedVGGish(nn.Module):
    """The network that the published weights belong to, written as its authors describe it."""

    def __init__(self):
        super().__init__()
        layers, planes = [], 1
        for channels in (64, None, 128, None, 256, 256, None, 512, 512, None):
            if channels is None:
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(planes, channels, 3, padding=1), nn.ReLU()]
                planes = channels
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            *(
                nn.Linear(512 * 4 * 6, 4096),
                nn.ReLU(),
                nn.Linear(4096, 4096),
                nn.ReLU(),
                nn.Linear(4096, 128),
                nn.ReLU(),
            )
        )

    def forward(self, x):
        x = self.features(x).transpose(1, 3).transpose(1, 2)
        return self.embeddings(x.contiguous().view(len(x), -1))


@pytest.fixture(scope='module')
def vggish(tmp_path_factory):
    path = tmp_path_factory.mktemp('vggish') / 'vggish-10086976.pth'
    model = PublishedVGGish()
    torch.save(model.state_dict(), path)
    return model, path


@torch.no_grad()
def test_vggish(tmp_path, capsys, vggish):
    model, source = vggish
    vggish2mmavs.convert(source, tmp_path)
    audio_backbone = options_of(capsys.readouterr().out).audio_backbone
    network = MODELS.build(dict(audio_backbone, type='VGGish'))
    network.init_weights()
    log_mel = torch.randn(2, 1, 96, 64)
    torch.testing.assert_close(network(log_mel), model(log_mel))


def test_vggish_for_an_embedding_of_another_size(tmp_path, capsys, vggish):
    path = vggish2mmavs.convert(vggish[1], tmp_path, out_channels=304)
    assert 'left out: embeddings.4.weight, embeddings.4.bias (128 channels instead of 304' in capsys.readouterr().out
    with torch.device('meta'):
        missing, unexpected = VGGish(304).load_state_dict(
            torch.load(path, weights_only=True)['state_dict'], strict=False, assign=True
        )
    assert missing == ['embeddings.4.weight', 'embeddings.4.bias'] and not unexpected


@torch.no_grad()
def test_other_weights_are_no_vggish(tmp_path):
    torch.save({'layer.0.weight': torch.zeros(1)}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='not weights of VGGish: .* found layer'):
        vggish2mmavs.convert(tmp_path / 'other.pth', tmp_path)
    torch.save({'embeddings.4.weight': torch.zeros(128, 4096)}, tmp_path / 'cut.pth')
    with pytest.raises(ValueError, match='missing: features.0.weight'):
        vggish2mmavs.convert(tmp_path / 'cut.pth', tmp_path)
