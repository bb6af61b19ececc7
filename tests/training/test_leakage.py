"""No flare window, no memory of flares and no column of a map is in two splits."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import trainings

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.inference.threads import threads
from flaremon.training import Recipe, train_package
from flaremon.training.dataset import REPORT, refuse_crossing
from flaremon.training.rates.config import EVENTS, MemberConfig, RatesConfig
from flaremon.training.rates.members import fit_member
from flaremon.training.stored.splits import APART, cut, held, inside

DAY = np.timedelta64(86400, "s")
LOOKS_AHEAD = np.timedelta64(7, "D")
"""How far a rendered disk shows what will be there."""
LOOKS_BACK = np.timedelta64(28, "D")
"""And what was there, a rotation ago."""
M_DAY = FlareEvent.parse("M1+/24h")


def windows(times, event):
    """Return from when to when the outcome of each observation is looked at."""
    length = np.timedelta64(int(event.horizon.total_seconds()) if event.horizon else 0, "s")
    return times, times + length


@pytest.mark.parametrize("event", Recipe().events, ids=str)
def test_of_maps_no_window_of_a_split_ends_after_the_next_one_begins(event):
    recipe = Recipe()
    for before, after in pairwise(recipe.splits):
        _, ends = windows(before.times(recipe.cadence_h), event)
        starts, _ = windows(after.times(recipe.cadence_h), event)
        assert ends.max() < starts.min()
        # Columns: the last disk of one shows the future, the first of the next the past.
        assert ends.max() + LOOKS_AHEAD < starts.min() - LOOKS_BACK


@pytest.mark.parametrize("event", EVENTS)
def test_of_rate_maps_no_window_of_a_fitted_year_ends_in_the_reported_ones(event):
    config = RatesConfig()
    _, ends = windows(config.times(config.before), FlareEvent.parse(event))
    assert ends.max() + LOOKS_AHEAD < REPORT.times(config.cadence_h).min() - LOOKS_BACK


@given(
    first=st.integers(0, 3000),
    gaps_h=st.lists(st.integers(1, 400), min_size=30, max_size=300),
    shares=st.lists(st.floats(0.05, 0.8), min_size=2, max_size=3),
)
def test_of_a_store_no_window_and_no_memory_is_in_two_parts_whatever_there_is(
    first, gaps_h, shares
):
    times = np.datetime64("2012-01-01", "s") + first * DAY + np.cumsum(gaps_h) * (DAY // 24)
    named = dict(zip(("train", "choose", "report"), shares, strict=False))
    try:
        splits = cut(times, named, [M_DAY])
    except InputError as exc:
        assert "days apart need" in str(exc)  # noqa: PT017 - a short span is a refusal
        return
    memory = np.timedelta64(72, "h")
    assert [split.name for split in splits] == list(named)
    for before, after in pairwise(splits):
        assert after.start - before.end == APART
        _, ends = windows(times[inside(before, times)], M_DAY)
        starts, _ = windows(times[inside(after, times)], M_DAY)
        if len(ends) and len(starts):
            assert ends.max() < starts.min() - memory
    assert splits[0].start <= times[0]
    assert splits[-1].end > times[-1]
    outcome = np.zeros(len(times), np.int8)
    assert sum(held(split, times, outcome).frames for split in splits) <= len(times)


@pytest.mark.parametrize("year", [2011, 2022], ids=["left out", "reported"])
def test_weights_do_not_change_with_what_maps_show_of_years_they_are_not_fitted_to(year):
    before = trainings.strip()
    before = replace(before, years=np.repeat([2010, 2011, 2022], len(before.years) // 3))
    here = torch.from_numpy(before.years == year)
    after = replace(before, shown=tuple(torch.where(here, 1 - one, one) for one in before.shown))

    def weights(strip):
        config = MemberConfig(hidden=4, epochs=1, batch=2)
        with threads(1):
            return fit_member(strip, [2011], [2010, 2011], config, seed=3)[0].state_dict()

    one, other = weights(before), weights(after)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_splits_whose_windows_cross_are_refused_before_anything_is_rendered(tmp_path):
    recipe = Recipe()
    train, choose, report = recipe.splits
    near = replace(choose, end=report.start - np.timedelta64(23, "h"))
    with pytest.raises(InputError, match=r"a window of M1\+/24h crosses"):
        refuse_crossing((train, near, report), recipe.events)
    refuse_crossing((train, replace(near, end=report.start - DAY), report), recipe.events)
    with pytest.raises(InputError, match="crosses from one into the other"):
        train_package(
            tmp_path, tmp_path / "m" / "1.0.0", recipe=replace(recipe, splits=(train, near, report))
        )
    with pytest.raises(InputError, match="crosses"):
        refuse_crossing((report, train), recipe.events)
