"""Windows and convolutions against torch's own, in every padding and stride."""

from __future__ import annotations

import pytest
import torch

from curvefit.errors import InvalidInputError
from runners.architectures.convolution import WAYS, convolve
from runners.architectures.patches import gather_windows, pad_images
from runners.architectures.windows import Windows

CASES = [
    (padding, strides, filter)
    for padding in ("circular", "same", "valid")
    for strides in ((1, 1), (2, 1), (3, 2))
    for filter in ((3, 3), (2, 3), (5, 1), (1, 1))
]


@pytest.mark.parametrize(("padding", "strides", "filter"), CASES)
def test_ways_of_convolving_agree_forward_and_backward(padding, strides, filter):
    windows = Windows((9, 7), filter, strides, padding)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 9, 7, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.randn(
        2, filter[0] * filter[1] * 4, 5, dtype=torch.float64, generator=generator, requires_grad=True
    )
    results = []
    for way in WAYS.values():
        out = way(x, weight, windows)
        cotangent = torch.arange(out.numel(), dtype=out.dtype).view(out.shape)
        results.append((out, *torch.autograd.grad((out * cotangent).sum(), (x, weight))))
    assert results[0][0].shape == (2, 3, *windows.output, 5)
    for other in results[1:]:
        for ours, theirs in zip(results[0], other):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_filters_larger_than_the_image_wrap_more_than_once():
    windows = Windows((2, 2), (7, 6), (1, 1), "circular")
    x = torch.arange(8.0).view(1, 1, 2, 2, 2)
    weight = torch.ones(1, 84, 1)
    out = convolve(x, weight, windows)
    taps = torch.tensor(windows.input_positions())
    expected = x.view(4, 2)[taps].sum((1, 2))
    torch.testing.assert_close(out.flatten(), expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("padding", ["circular", "same"])
@pytest.mark.parametrize("axis", [1, 2])
def test_gathering_and_padding_have_exact_derivatives(padding, axis):
    windows = Windows((4, 3), (3, 3), (2, 1), padding)
    shape = (1, 4, 3, 2, 2) if axis == 1 else (1, 2, 4, 3, 2)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    for function in (gather_windows, pad_images):
        assert torch.autograd.gradcheck(
            lambda t, f=function: f(t, windows, axis=axis), x, check_forward_ad=True
        )
        assert torch.autograd.gradgradcheck(lambda t, f=function: f(t, windows, axis=axis).sin(), x)


def test_both_layouts_gather_the_same_windows():
    windows = Windows((4, 3), (3, 2), (2, 1), "circular")
    x = torch.randn(2, 5, 4, 3, 6)
    by_example = gather_windows(x, windows, axis=2)
    by_position = gather_windows(x.permute(0, 2, 3, 4, 1), windows, axis=1)
    assert torch.equal(by_position, by_example.permute(0, 2, 3, 4, 1))
    taps = x.flatten(2, 3)[:, :, torch.tensor(windows.input_positions())]
    assert torch.equal(by_example.flatten(2, 3), taps.flatten(3))


def test_a_filter_that_does_not_fit_is_refused():
    with pytest.raises(InvalidInputError, match="does not fit"):
        Windows((2, 2), (3, 3), (1, 1), "valid")
