"""An independent double of the cross-attention: queries, keys and values written out, nothing folded."""

import torch


def plain_weights(layer, visual, audio):
    """Attention weights (B, H, N, T) of visual (B, N, C) and audio tokens (B, T, A)."""
    visual = layer.norm1(layer.visual_embed(visual))
    audio = layer.norm1(layer.audio_embed(audio))
    query, key = split_heads(layer, layer.query(visual)), split_heads(layer, layer.key(audio))
    product = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    if layer.activation == 'sigmoid':
        return torch.sigmoid(product)
    if layer.activation == 'softmax':
        return torch.softmax(product, dim=3)
    if layer.activation == 'channel':
        return torch.softmax(product, dim=2)
    low, high = product.min(dim=2, keepdim=True)[0], product.max(dim=2, keepdim=True)[0]
    return (product - low) / (high - low)


def plain_attention(layer, visual, audio):
    """Fused feature (B, N, C) of visual (B, N, C) and audio tokens (B, T, A)."""
    weights = plain_weights(layer, visual, audio)
    visual = layer.norm1(layer.visual_embed(visual))
    if layer.activation == 'channel':
        value = split_heads(layer, layer.value(visual))
        answer = (weights.transpose(2, 3) @ value).mean(dim=2)  # (B, H, D), the mean of what the tokens find
        gate = torch.sigmoid(layer.proj(answer.flatten(1)))
        x = visual + visual * gate[:, None]
    else:
        value = split_heads(layer, layer.value(layer.norm1(layer.audio_embed(audio))))
        x = visual + layer.proj((weights @ value).transpose(1, 2).flatten(2))
    return layer.norm(x + layer.mlp(layer.norm2(x)))


def split_heads(layer, tokens):
    """(B, N, C) -> (B, H, N, D)."""
    return tokens.unflatten(2, (layer.num_heads, -1)).transpose(1, 2)
