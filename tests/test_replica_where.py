"""Conditions mean what PostgreSQL would make of them."""

import pytest
from support.replicas import SMALL_PX
from support.suns import View, write_fits

from flaremon.errors import InputError
from flaremon.replica.archive import read_archive
from flaremon.replica.where import compile_where


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    view = View(size_px=SMALL_PX, quality=0x80000400, overrides={"SATVALS": None})
    # QUALITY with its sign bit set would take the keywords away, so a second file is asked.
    write_fits(folder / "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits", view=view)
    view = View(size_px=SMALL_PX, t_rec="2024.06.28_00:12:00_TAI")
    write_fits(folder / "hmi.M_720s_nrt.20240628_001200_TAI.magnetogram.fits", view=view)
    return read_archive(folder).find("hmi.M_720s_nrt").records


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("QUALITY>=0", True),
        ("quality >= 0", True),
        ("QUALITY=1024", True),
        ("QUALITY = 0x400", True),
        ("QUALITY & 0x400 <> 0", True),
        ("(QUALITY & 0x4320) = 0", True),
        ("QUALITY < 65536 AND CAMERA = 3", True),
        ("CAMERA = 1 OR CAMERA = 3", True),
        ("CAMERA = 1 OR CAMERA = 2 AND QUALITY >= 0", False),
        ("NOT CAMERA = 1", True),
        ("NOT (CAMERA = 1 OR CAMERA = 3)", False),
        ("CAMERA IN (1, 3)", True),
        ("CAMERA NOT IN (1, 3)", False),
        ("RSUN_OBS BETWEEN 940 AND 950", True),
        ("RSUN_OBS > 944.5 AND RSUN_OBS < 9.5e2", True),
        ("OBS_VR - 100 = 2 * 50", True),
        ("-OBS_VR < 0", True),
        ("QUALITY + 1 = 1025", True),
        ("QUALITY | 1 = 1025", True),
        ("CTYPE1 = 'HPLN-TAN'", True),
        ('CTYPE1 = "HPLN-TAN"', True),
        ("CTYPE1 ~ '^HPL[NT]-'", True),
        ("CTYPE1 ~ 'hpln'", False),
        ("CTYPE1 ~* 'hpln'", True),
        ("CTYPE1 !~ 'AZP'", True),
        ("CONTENT LIKE 'MAG%'", True),
        ("CONTENT NOT LIKE 'MAG_'", True),
        ("T_REC = $(2024.06.28_00:12:00_TAI)", True),
        ("T_REC > $(2024.06.28_00:00:00_TAI) AND T_REC < $(2024-06-28T00:20:00Z)", True),
        # DATE__OBS is UTC: 37 s behind the same figures in TAI.
        ("DATE__OBS > $(2024.06.28_00:12:00_TAI)", True),
        ("DATE__OBS < $(2024.06.28_00:12:00_UTC)", True),
        ("drms.image_exists(quality)", True),
        ("CRPIX1 IS NULL", False),
        ("CRPIX1 IS NOT NULL", True),
        ("TRUE", True),
        ("QUALITY", False),
    ],
)
def test_a_condition_is_true_or_not(records, clause, expected):
    assert compile_where(clause)(records[1]) is expected


def test_quality_is_signed_so_a_record_without_an_image_is_negative(records):
    bad = records[0]
    assert not compile_where("QUALITY>=0")(bad)
    assert compile_where("QUALITY<0")(bad)
    assert not compile_where("drms.image_exists(quality)")(bad)
    assert compile_where("QUALITY & 0x80000000 <> 0")(bad)


def test_a_missing_value_is_neither_true_nor_false(records):
    bad = records[0]
    assert compile_where("CRPIX1 IS NULL")(bad)
    for clause in ("CRPIX1 > 0", "NOT CRPIX1 > 0", "CRPIX1 <> 5", "CRPIX1 + 1 = 1"):
        assert not compile_where(clause)(bad)
    assert compile_where("CRPIX1 > 0 OR QUALITY < 0")(bad)
    assert not compile_where("CRPIX1 > 0 AND QUALITY < 0")(bad)


@pytest.mark.parametrize(
    "clause",
    [
        "",
        "QUALITY >=",
        "QUALITY >= 0 AND",
        "QUALITY 0",
        "(QUALITY >= 0",
        "QUALITY >= 0; DROP TABLE x",
        "CAMERA NOT 3",
        "CAMERA IN 3",
        "CAMERA IN (3",
        "CTYPE1 = 'open",
        "T_REC > $(yesterday)",
        "(" * 5000 + "1" + ")" * 5000,
        "__import__('os').system('true')",
    ],
)
def test_what_is_no_condition_is_an_input_error(clause):
    with pytest.raises(InputError):
        compile_where(clause)


@pytest.mark.parametrize("clause", ["CTYPE1 > 3", "RSUN_OBS & 1 = 0", "CAMERA / 0 = 1"])
def test_values_that_cannot_be_combined_are_an_input_error(records, clause):
    with pytest.raises(InputError, match="cannot be evaluated"):
        compile_where(clause)(records[1])
