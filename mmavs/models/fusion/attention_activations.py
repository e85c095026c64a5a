"""Activations that turn the products of queries and keys into attention weights (Fig. 6 of the paper).

All functions take products (B, heads, N pixels, T audio tokens) and return weights in [0, 1] of the same shape. They
differ in the axis over which the weights are normalized.
"""

from torch import Tensor


def sigmoid(products: Tensor) -> Tensor:
    """No axis: the weight of a pixel does not depend on other pixels, and any number of regions can have weight 1."""
    return products.sigmoid()


def softmax_over_tokens(products: Tensor) -> Tensor:
    """Softmax over the T audio tokens, as in common cross-attention. With a single token it is constantly 1."""
    return products.softmax(dim=-1)


def softmax_over_pixels(products: Tensor) -> Tensor:
    """Softmax over the N pixels of an image."""
    return products.softmax(dim=-2)


def min_max_over_pixels(products: Tensor) -> Tensor:
    """The products of an image, scaled so that its N pixels range from 0 to 1."""
    low, high = products.amin(dim=-2, keepdim=True), products.amax(dim=-2, keepdim=True)
    return (products - low) / (high - low).clamp_min(1e-6)


ACTIVATIONS = dict(
    sigmoid=sigmoid,
    softmax=softmax_over_tokens,
    softmax_pixels=softmax_over_pixels,
    minmax=min_max_over_pixels,
    channel=softmax_over_pixels,  # with audio queries; the result weights the channels, see CrossAttention
)
"""Name in a config -> function."""

POINTWISE = ('sigmoid', 'softmax')
"""Activations in which the weights of a pixel depend only on that pixel."""
