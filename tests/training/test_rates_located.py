"""Flares get the place of their region, or of the list, on the strip of maps."""

import numpy as np
import pytest

from flaremon.errors import InputError
from flaremon.training.rates.located import read_located

FLARES = """start_utc,peak_flux_w_m2,noaa_ar,location,class_scale
2014-02-01T12:00:00Z,2.0e-05,12345,N10E10,true_flux
2014-02-01T12:00:00Z,8.0e-06,99999,S10W20,swpc_operational_x0.7
2014-02-02T12:00:00Z,3.0e-06,,,true_flux
2014-02-03T12:00:00Z,3.0e-07,12345,N10E10,true_flux
2014-02-20T12:00:00Z,1.0e-04,12345,,true_flux
"""
REGIONS = """ar_noaanum,LOCATION,date
0,12345,N15W06,2014-02-02 00:30
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flares.csv").write_text(FLARES)
    (tmp_path / "srs_1996_2018.csv").write_text(REGIONS)
    return tmp_path


def test_flares_from_c1_on_have_their_class_on_the_scale_of_true_flux(folder):
    assert read_located(folder).level.tolist() == [1, 1, 0, 2]


def test_the_region_of_the_nearest_day_decides_and_turns_with_the_sun(folder):
    flares = read_located(folder)
    assert flares.latitude_deg[0] == 15
    # W06 at midnight was half a day before 6.6 degrees further east.
    assert flares.from_meridian_deg[0] == pytest.approx(6 - 6.6, abs=0.2)


def test_the_listed_place_is_taken_where_there_is_no_such_region(folder):
    flares = read_located(folder)
    assert flares.latitude_deg[1] == -10
    assert flares.from_meridian_deg[1] == pytest.approx(20)


def test_a_place_that_nobody_knows_stays_unknown(folder):
    """No region and no place; and a region last seen more than three days away."""
    assert np.isnan(read_located(folder).latitude_deg[2:]).all()


def test_lists_without_region_summaries_are_enough(folder):
    (folder / "srs_1996_2018.csv").unlink()
    assert read_located(folder).latitude_deg[:2].tolist() == [10, -10]


def test_a_summary_that_is_none_is_named_with_its_line(folder):
    (folder / "srs_1996_2018.csv").write_text("ar_noaanum,LOCATION,date\nabc,N15W06,2014-02-02\n")
    with pytest.raises(InputError, match="line 2 is not a region summary"):
        read_located(folder)
