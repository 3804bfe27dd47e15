"""The package's architectures as one writes them by hand with `torch.nn`, channels first."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from runners.architectures import FCN, GAP, LCN, VEC, AbstractLayeredNet, ResNet


class Local(nn.Module):
    """A locally connected 3 x 3 layer with circular padding: unfold, then one product per position."""

    def __init__(self, channels: int, out: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size * size, channels * 9, out) / (channels * 9) ** 0.5)
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = F.unfold(F.pad(x, (1, 1, 1, 1), mode="circular"), 3)
        out = torch.bmm(patches.permute(2, 0, 1), self.weight)
        return out.permute(1, 2, 0).reshape(len(x), -1, self.size, self.size)


class Block(nn.Module):
    """A pre-activation residual block without normalisation."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = circular(channels, out, stride), circular(out, out)
        self.shortcut = None
        if channels != out or stride > 1:
            self.shortcut = nn.Conv2d(channels, out, 1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.second(F.relu(self.first(F.relu(x))))
        return (branch + (x if self.shortcut is None else self.shortcut(x))) * 0.5**0.5


def circular(channels: int, out: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3 x 3 convolution."""
    return nn.Conv2d(channels, out, 3, stride=stride, padding=1, padding_mode="circular", bias=False)


class Pool(nn.Module):
    """Global average."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def plain_net(net: AbstractLayeredNet, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Return a net with the layers of `net` (depth 2, 3 x 3 filters, circular padding)."""
    (size, _, channels), width = shape, net.width
    if isinstance(net, FCN):
        hidden = [nn.Flatten(), nn.Linear(size * size * channels, width, bias=False), nn.ReLU()]
        hidden += [nn.Linear(width, width, bias=False), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(width, classes, bias=False))
    if isinstance(net, LCN):
        hidden = [Local(channels, width, size), nn.ReLU(), Local(width, width, size), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*hidden, nn.Linear(width * size * size, classes, bias=False))
    if isinstance(net, (VEC, GAP)):
        hidden = [circular(channels, width), nn.ReLU(), circular(width, width), nn.ReLU()]
        if isinstance(net, GAP):
            return nn.Sequential(*hidden, Pool(), nn.Linear(width, classes, bias=False))
        return nn.Sequential(*hidden, nn.Flatten(), nn.Linear(width * size * size, classes, bias=False))
    if isinstance(net, ResNet):
        blocks = [Block(width * 2 ** max(i - 1, 0), width * 2**i, 1 + (i > 0)) for i in range(net.stages)]
        out = width * 2 ** (net.stages - 1)
        return nn.Sequential(
            circular(channels, width), *blocks, nn.ReLU(), Pool(), nn.Linear(out, classes, bias=False)
        )
    raise TypeError(f"no plain form of {net}")
