import numpy as np
import pytest
import torch
from torch import nn

from mmavs.models.fusion import CrossAttention, FoldedCrossAttention
from mmavs.models.fusion.attention_activations import ACTIVATIONS
from mmavs.models.fusion.tokens import Projector, to_map, to_tokens

# Our name -> the reference's.
REFERENCE_NAMES = {
    'visual_embed': 'patch_embed_v.proj',
    'audio_embed': 'patch_embed_a.proj',
    'norm1': 'blocks.0.norm1',
    'query': 'blocks.0.attn.q',
    'key': 'blocks.0.attn.k',
    'value': 'blocks.0.attn.v',
    'proj': 'blocks.0.attn.proj',
    'norm2': 'blocks.0.norm2',
    'mlp.0': 'blocks.0.mlp.fc1',
    'mlp.2': 'blocks.0.mlp.fc2',
    'norm': 'norm',
}


def randomized(module, std=0.3):
    """Random values of all parameters, since biases and norms are initialized with 0 and 1."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=std)
    return module


def layer_and_inputs(activation, tokens=1, heads=4):
    layer = randomized(FoldedCrossAttention(16, 10, num_heads=heads, mlp_ratio=2.0, activation=activation)).double()
    return layer, torch.randn(3, 20, 16).double(), torch.randn(3, tokens, 10).double()


def equation(layer):
    """The plain form with the weights of ``layer``."""
    options = dict(num_heads=layer.num_heads, mlp_ratio=2.0, activation=layer.activation)
    plain = CrossAttention(16, 10, **options).double()
    plain.load_state_dict(layer.state_dict())
    return plain


@pytest.fixture(params=[CrossAttention, FoldedCrossAttention])
def golden(golden_file, request):
    golden = {k: torch.tensor(v) for k, v in np.load(golden_file('cross_attention.npz')).items()}
    layer = request.param(48, 48)
    used = {}
    for name in layer.state_dict():
        module, parameter = name.rsplit('.', 1)
        used[name] = golden[f'param:{REFERENCE_NAMES[module]}.{parameter}']
    layer.load_state_dict(used)
    assert len(used) == sum(k.startswith('param:') for k in golden)
    return layer, golden, to_tokens(golden['visual']), to_tokens(golden['audio'])


def test_golden_cross_attention_out(golden):
    layer, golden, visual, audio = golden
    np.testing.assert_allclose(layer(visual, audio).detach(), golden['out'], rtol=0, atol=1e-5)


def test_golden_cross_attention_attn(golden):
    layer, golden, visual, audio = golden
    if isinstance(layer, FoldedCrossAttention):
        attention = layer.attention(layer.encode(visual), layer.fold(audio))
        np.testing.assert_allclose(attention.detach(), golden['attn'], rtol=0, atol=1e-5)


@pytest.mark.parametrize('heads', [1, 4])
@pytest.mark.parametrize('tokens', [1, 3])
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_folded_form_equals_the_equation(activation, tokens, heads):
    layer, visual, audio = layer_and_inputs(activation, tokens, heads)
    torch.testing.assert_close(layer(visual, audio), equation(layer)(visual, audio))


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_gradients_equal_those_of_the_equation(activation):
    layer, visual, audio = layer_and_inputs(activation, tokens=2)
    weight, grads = torch.randn(16).double(), []
    for form in (layer, equation(layer)):
        grads.append(torch.autograd.grad((form(visual, audio) * weight).square().sum(), list(form.parameters())))
    for (name, _), grad, truth in zip(layer.named_parameters(), *grads, strict=True):
        torch.testing.assert_close(grad, truth, msg=lambda m, name=name: f'{name}: {m}')
        assert truth.abs().max() > 1e-6, name


def test_equation_is_multi_head_attention_of_torch(monkeypatch):
    """With a softmax over the tokens, and without residual and MLP."""
    layer, visual, audio = layer_and_inputs('softmax', tokens=3)
    torch_attention = nn.MultiheadAttention(16, 4, bias=False, batch_first=True).double()
    torch_attention.in_proj_weight.data = torch.cat([layer.query.weight, layer.key.weight, layer.value.weight])
    torch_attention.out_proj.weight.data = layer.proj.weight
    encoded, tokens = layer.encode(visual), layer.norm1(layer.audio_embed(audio))
    attended, _ = torch_attention(encoded, tokens, tokens)
    monkeypatch.setattr(CrossAttention, 'transform', lambda self, x: x)
    torch.testing.assert_close(equation(layer)(visual, audio), encoded + attended + layer.proj.bias)


def test_softmax_of_one_token_gives_every_pixel_the_same():
    layer, visual, audio = layer_and_inputs('softmax', tokens=1)
    assert (layer.attention(layer.encode(visual), layer.fold(audio)) == 1).all()


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_weights_lie_between_0_and_1(activation):
    layer, visual, audio = layer_and_inputs(activation, tokens=3)
    weights = layer.attention(layer.encode(visual), layer.fold(audio))
    assert weights.min() >= 0 and weights.max() <= 1
    assert weights.shape == (3, 4, 20, 3)
    if activation == 'minmax':
        torch.testing.assert_close(weights.amin(dim=2), torch.zeros(3, 4, 3).double())
        torch.testing.assert_close(weights.amax(dim=2), torch.ones(3, 4, 3).double())
    if activation in ('channel', 'softmax_pixels'):
        torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 4, 3).double())
    if activation == 'softmax':
        torch.testing.assert_close(weights.sum(dim=3), torch.ones(3, 4, 20).double())


def test_minmax_of_a_uniform_image_is_finite():
    layer, visual, audio = layer_and_inputs('minmax')
    out = layer(visual[:, :1].expand(-1, 20, -1).requires_grad_(), audio)
    out.sum().backward()
    assert out.isfinite().all() and all(p.grad.isfinite().all() for p in layer.parameters())


def test_channel_weights_lie_between_0_and_1_and_scales_the_feature():
    layer, visual, audio = layer_and_inputs('channel')
    encoded, folded = layer.encode(visual), layer.fold(audio)
    gate = layer._channel_weights(encoded, layer.attention(encoded, folded))
    assert gate.shape == (3, 1, 16) and gate.min() > 0 and gate.max() < 1
    layer.proj.bias.data.fill_(-1e3)  # channel weights of 0: the audio has no effect
    torch.testing.assert_close(layer(visual, audio), layer(visual, audio.flip(0)))


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_audio_and_its_order_in_the_batch_matter(activation):
    layer, visual, audio = layer_and_inputs(activation)
    out = layer(visual, audio)
    assert not torch.allclose(out, layer(visual, audio.flip(0)), atol=1e-3)
    order = [2, 0, 1]
    torch.testing.assert_close(layer(visual[order], audio[order]), out[order])


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_pointwise_is_true_if_pixels_are_independent(activation):
    layer, visual, audio = layer_and_inputs(activation)
    part = layer(visual[:, 5:9], audio)
    assert torch.allclose(part, layer(visual, audio)[:, 5:9], atol=1e-6) == layer.pointwise


def test_tokens_and_maps():
    feature = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    tokens = to_tokens(feature)
    assert tokens.shape == (2, 20, 3)
    assert tokens[1, 2 * 5 + 3].tolist() == feature[1, :, 2, 3].tolist()
    for memory_format in (torch.contiguous_format, torch.channels_last):
        like = feature.contiguous(memory_format=memory_format)
        assert torch.equal(to_map(tokens, like), feature)
        assert to_map(tokens, like).is_contiguous(memory_format=memory_format)


def test_projector_has_one_hidden_layer():
    projector = randomized(Projector(6, 4))
    x = torch.randn(2, 3, 6)
    hidden = nn.functional.gelu(x @ projector[0].weight.T + projector[0].bias)
    torch.testing.assert_close(projector(x), hidden @ projector[2].weight.T + projector[2].bias)


def test_bad_options():
    with pytest.raises(ValueError, match="sigmoid, softmax, softmax_pixels, minmax, channel, got 'tanh'"):
        CrossAttention(8, 8, activation='tanh')
    with pytest.raises(ValueError, match='num_heads=3'):
        CrossAttention(8, 8, num_heads=3)
