"""A reference implementation of CAVP with stereo audio and ResNet-50, independent of mmavs.

Plain torch modules with the names of the released checkpoints; each step is computed by its definition.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn


def conv(inputs, outputs, size, *, stride=1, dilation=1):
    return nn.Conv2d(inputs, outputs, size, stride, dilation * (size // 2), dilation, bias=False)


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride, dilation, downsample):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, channels, 1), nn.BatchNorm2d(channels)
        self.conv2 = conv(channels, channels, 3, stride=stride, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3, self.bn3 = conv(channels, 4 * channels, 1), nn.BatchNorm2d(4 * channels)
        if downsample:
            self.downsample = nn.Sequential(conv(inputs, 4 * channels, 1, stride=stride), nn.BatchNorm2d(4 * channels))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if hasattr(self, 'downsample') else x))


class ResNet50(nn.Module):
    """Deep stem; output stride 8: the stages have strides 1, 2, 1, 1; in the last the blocks have dilations 2, 4, 8."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(
            *(conv(3, 64, 3, stride=2), nn.BatchNorm2d(64), nn.ReLU()),
            *(conv(64, 64, 3), nn.BatchNorm2d(64), nn.ReLU()),
            conv(64, 128, 3),
        )
        self.bn1 = nn.BatchNorm2d(128)
        self.layer1 = self._stage(128, 64, 1, (1, 1, 1))
        self.layer2 = self._stage(256, 128, 2, (1, 1, 1, 1))
        # If a stage has dilation d instead of a stride, its first block, which had the stride, has dilation d / 2.
        self.layer3 = self._stage(512, 256, 1, (1, 2, 2, 2, 2, 2))
        self.layer4 = self._stage(1024, 512, 1, (2, 4, 8))

    @staticmethod
    def _stage(inputs, channels, stride, dilations):
        blocks = [Bottleneck(inputs, channels, stride, dilations[0], True)]
        return nn.Sequential(*blocks, *(Bottleneck(4 * channels, channels, 1, d, False) for d in dilations[1:]))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        first = self.layer1(x)
        return first, self.layer4(self.layer3(self.layer2(first)))


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, channels, 3, stride=stride), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = conv(channels, channels, 3), nn.BatchNorm2d(channels)
        if stride != 1:
            self.downsample = nn.Sequential(conv(inputs, channels, 1, stride=stride), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if hasattr(self, 'downsample') else x))


class AudioResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(2, 64, 7, stride=2), nn.BatchNorm2d(64)
        for i, (inputs, channels) in enumerate(pairwise((64, 64, 128, 256, 512)), 1):
            stride = 1 if i == 1 else 2
            stage = nn.Sequential(BasicBlock(inputs, channels, stride), BasicBlock(channels, channels, 1))
            self.add_module(f'layer{i}', stage)
        self.fc = nn.Linear(512, 304)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.amax(dim=(2, 3)))


class ASPP(nn.Module):
    def __init__(self):
        super().__init__()
        self.map_convs = nn.ModuleList([conv(2048, 256, 1), *(conv(2048, 256, 3, dilation=d) for d in (6, 12, 18))])
        self.map_bn = nn.BatchNorm2d(1024)
        self.red_conv = conv(1024, 256, 1)
        self.global_pooling_conv, self.global_pooling_bn = conv(2048, 256, 1), nn.BatchNorm2d(256)
        self.pool_red_conv = conv(256, 256, 1)
        self.red_bn = nn.BatchNorm2d(256)

    def forward(self, x):
        near = torch.cat([branch(x) for branch in self.map_convs], dim=1)
        near = self.red_conv(F.leaky_relu(self.map_bn(near), 0.01))
        whole = self.global_pooling_conv(F.adaptive_avg_pool2d(x, 1))
        whole = self.pool_red_conv(F.leaky_relu(self.global_pooling_bn(whole), 0.01))
        return F.leaky_relu(self.red_bn(near + whole.expand_as(near)), 0.01)


class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.last_conv = nn.Sequential(
            *(conv(304, 256, 3), nn.BatchNorm2d(256), nn.ReLU()), *(conv(256, 256, 3), nn.BatchNorm2d(256), nn.ReLU())
        )
        self.classifier = nn.Conv2d(256, classes, 1)

    def forward(self, x):
        return self.classifier(self.last_conv(x))


class MLP(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Attention(nn.Module):
    heads = 4

    def __init__(self, channels):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.proj = nn.Linear(channels, channels)

    def forward(self, visual, audio):
        answers = []
        heads = (x.chunk(self.heads, dim=-1) for x in (self.q(visual), self.k(audio), self.v(audio)))
        for q, k, v in zip(*heads, strict=True):
            weight = torch.sigmoid(q @ k.transpose(1, 2) * q.shape[-1] ** -0.5)  # (B, N, 1)
            answers.append(weight @ v)
        return self.proj(torch.cat(answers, dim=-1))


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = Attention(channels)
        self.mlp = MLP(channels, 4 * channels)

    def forward(self, visual, audio):
        visual, audio = self.norm1(visual), self.norm1(audio)
        x = visual + self.attn(visual, audio)
        return x + self.mlp(self.norm2(x))


class CrossAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        # of no use, but in the checkpoints
        self.pos_embed_v, self.pos_embed_a = (nn.Parameter(torch.zeros(1, n, channels)) for n in (128 * 128, 1))
        self.patch_embed_v, self.patch_embed_a = (
            nn.ModuleDict(dict(proj=nn.Linear(channels, channels))) for _ in range(2)
        )
        self.blocks = nn.ModuleList([Block(channels)])
        self.norm = nn.LayerNorm(channels)

    def forward(self, visual, audio):
        x = self.blocks[0](self.patch_embed_v['proj'](visual), self.patch_embed_a['proj'](audio))
        return self.norm(x)


class PlainCAVP(nn.Module):
    """The network of ``keys_vpo_stereo_r50.json``."""

    def __init__(self, classes=22):
        super().__init__()
        self.backbone = nn.ModuleDict(dict(backbone=ResNet50()))
        reduce = nn.Sequential(conv(256, 48, 1), nn.BatchNorm2d(48), nn.ReLU())
        self.segment = nn.ModuleDict(dict(aspp=ASPP(), reduce=reduce, upsample=Classifier(classes)))
        self.cross_att = CrossAttention(304)
        self.visual_projector = MLP(304, 256)
        self.audio_backbone = nn.ModuleDict(dict(backbone=AudioResNet18(), cls_head=nn.Linear(304, 2)))

    def visual(self, image):
        """(B, 3, H, W) -> (B, 304, H / 4, W / 4)."""
        first, last = self.backbone['backbone'](image)
        low_level = self.segment['reduce'](first)
        context = F.interpolate(
            self.segment['aspp'](last), size=low_level.shape[2:], mode='bilinear', align_corners=True
        )
        return torch.cat([context, low_level], dim=1)

    def embed_audio(self, log_mel):
        """(B, 2, frames, mels) -> (B, 304)."""
        return self.audio_backbone['backbone'](log_mel)

    def fuse(self, visual, audio):
        """(B, 304, h, w) and (B, 304) -> (B, 304, h, w)."""
        batch, channels, height, width = visual.shape
        pixels = visual.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        fused = self.cross_att(self.visual_projector(pixels), audio[:, None])
        return fused.reshape(batch, height, width, channels).permute(0, 3, 1, 2)

    def classify(self, fused, size):
        """(B, 304, h, w) -> logits (B, classes, H, W)."""
        return F.interpolate(self.segment['upsample'](fused), size=size, mode='bilinear', align_corners=False)
