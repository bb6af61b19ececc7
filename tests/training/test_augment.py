"""Augmentation: other views of the same Sun, and nothing where there is no Sun."""

import torch

from flaremon.training.augment import augment


def disks(n=64):
    rng = torch.Generator().manual_seed(1)
    planes = torch.randn(n, 1, 32, 32, generator=rng) * 0.1
    axis = torch.arange(32) - 15.5
    planes[:, :, axis[:, None] ** 2 + axis[None, :] ** 2 > 15**2] = 0
    return planes


def test_off_disk_stays_exactly_zero():
    before = disks()
    after = augment(before, torch.Generator().manual_seed(0))
    assert torch.all(after[:, :, :2, :2] == 0)
    assert torch.equal((before != 0).sum((1, 2, 3)), (after != 0).sum((1, 2, 3)))


def test_the_same_generator_gives_the_same_views_and_another_one_others():
    first, again, other = (augment(disks(), torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_mirrors_and_polarities_all_occur_and_flux_stays_about_the_same():
    before = torch.zeros(400, 1, 32, 32)
    before[:, 0, 10, 12] = 0.5
    after = augment(before, torch.Generator().manual_seed(0))
    places = {tuple(row[1:].tolist()) for row in after.nonzero()}
    assert places == {(0, y, x) for y in (10, 21) for x in (12, 19)}
    peaks = after.sum((1, 2, 3))
    assert 0.35 < (peaks > 0).float().mean() < 0.65
    assert 0.45 < peaks.abs().mean() < 0.55
    assert peaks.abs().std() > 0.03


def test_what_goes_in_is_not_changed():
    before = disks()
    kept = before.clone()
    augment(before, torch.Generator().manual_seed(0))
    assert torch.equal(before, kept)
