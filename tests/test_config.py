from pathlib import Path

import pytest

from flaremon.config import describe, read_settings
from flaremon.errors import ConfigurationError


def test_defaults_are_the_live_jsoc_and_a_file_in_the_home_folder():
    settings = read_settings()
    assert settings.jsoc.base_url == "http://jsoc.stanford.edu"
    assert settings.jsoc.series == "hmi.M_720s_nrt"
    assert str(Path.home()) in settings.database_url.get_secret_value()


def test_variables_reach_their_settings(monkeypatch):
    monkeypatch.setenv("FLAREMON_JSOC__BASE_URL", "http://127.0.0.1:8080/")
    monkeypatch.setenv("FLAREMON_CACHE__MAX_GB", "2.5")
    settings = read_settings()
    assert settings.jsoc.base_url == "http://127.0.0.1:8080"
    assert settings.cache.max_gb == 2.5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLAREMON_JSOC__SERIES", "hmi.V_720s"),
        ("FLAREMON_JSOC__BASE_URL", "ftp://example.invalid"),
        ("FLAREMON_JSOC__BASE_URL", "http://127.0.0.1:8080:"),
        ("FLAREMON_SWPC__BASE_URL", "http://127.0.0.1:99999"),
        ("FLAREMON_JSOC__LOOKBACK_H", "-1"),
        ("FLAREMON_JSOC__LOOKBACK_H", "inf"),
        ("FLAREMON_STALE_AFTER_H", "nan"),
        ("FLAREMON_JSOC__BASE_URL", "http://user:password@example.invalid"),
        ("FLAREMON_JSOC__ATTEMPTS", "many"),
        ("FLAREMON_MODEL", "../../etc@1.0.0"),
        ("FLAREMON_SHADOW", "a@1.0.0,../../etc@1.0.0"),
        ("FLAREMON_DEVICE", "toaster"),
        ("FLAREMON_BATCH_SIZE", "0"),
        ("FLAREMON_DATABSE_URL", "sqlite:///x.db"),
        ("FLAREMON_JSOC__EMIAL", "a@example.invalid"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_its_variable(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable):
        read_settings()


def test_secrets_are_neither_printed_nor_quoted_in_errors(monkeypatch):
    monkeypatch.setenv("FLAREMON_JSOC__EMAIL", "somebody@example.invalid")
    monkeypatch.setenv("FLAREMON_DATABASE_URL", "postgresql://user:s3cret@host/name")
    settings = read_settings()
    shown = repr(settings) + "".join(row.value for row in describe(settings))
    assert "somebody" not in shown
    assert "s3cret" not in shown
    assert "postgresql://user:***@host/name" in shown
    monkeypatch.setenv("FLAREMON_DATABASE_URL", "postgresql://user:s3cr@t/@host/name")
    shown = "".join(row.value for row in describe(read_settings()))
    assert "postgresql://user:***@host/name" in shown
    monkeypatch.setenv("FLAREMON_DEVICE", "s3cret-device")
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert "s3cret" not in str(caught.value)


def test_an_empty_model_is_none_and_shadows_are_a_list_without_repetition(monkeypatch):
    monkeypatch.setenv("FLAREMON_MODEL", "")
    monkeypatch.setenv("FLAREMON_SHADOW", "b@1.0.0, a@1.0.0,b@1.0.0,")
    settings = read_settings()
    assert settings.model is None
    assert [str(model) for model in settings.shadows] == ["b@1.0.0", "a@1.0.0"]


def test_every_setting_is_described():
    assert [row.variable for row in describe(read_settings()) if not row.description] == []
