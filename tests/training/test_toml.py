"""Files that say how to train: a mistake is named by file, section and key."""

from pathlib import Path

import pytest
from support.histories import History

from flaremon.cli import main
from flaremon.domain import ModelId
from flaremon.errors import InputError
from flaremon.package import find_package, shipped_models
from flaremon.training.config import plain_config
from flaremon.training.models import train_model, wants_store
from flaremon.training.stored.config import adapt_config, stored_config
from flaremon.training.toml import read_toml

PLAIN, RATES = 'architecture = "plain-cnn"\n', 'architecture = "rate-map"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('architecture = "plain-cnn"\nseed = = 3\n', r"train\.toml .*line 2, column 8\), at seed"),
        ("[fit]\nepochs = \n", "at epochs"),
        ("[fit\nepochs = 3\n", "at fit"),
        ('architecture = "plain-cnn\n', "at architecture"),
        ("seed = 1\nseed = 2\n", "at seed"),
        ("events = [\n", "at events"),
    ],
)
def test_what_is_no_toml_is_said_with_line_and_key(tmp_path, text, named):
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        read_toml(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (PLAIN + "epochs = 3", "unknown epochs; there is seed, bootstrap, events, channels, fit"),
        (PLAIN + 'seed = "a"', "seed must be int, is 'a'"),
        (PLAIN + "seed = true", "seed must be int, is True"),
        (PLAIN + "seed = -1", "seed must be 0 or more"),
        (PLAIN + 'events = ["M1 soon"]', "events: 'M1 soon' is not an event"),
        (PLAIN + "events = [24]", "events must be a list"),
        (PLAIN + "channels = [1, 2]", "channels must be four whole numbers"),
        (PLAIN + "[fit]\nepochs = 0", r"\[fit\]: epochs must be 1 or more"),
        (PLAIN + "[fit]\nwidth = 3", r"\[fit\]: unknown width"),
        (PLAIN + '[fit]\nlearning_rate = "fast"', r"\[fit\]: learning_rate must be float"),
        (PLAIN + '[data]\nsource = "maps"', r"say what to train on"),
        ('architecture = "resnet"', "architecture must be 'rate-map' or 'plain-cnn', is 'resnet'"),
    ],
)
def test_a_value_that_makes_no_sense_is_said_with_its_key(tmp_path, text, named):
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        train_model(path, tmp_path, tmp_path / "a" / "1.0.0", cache=tmp_path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (RATES, "base is missing"),
        (RATES + 'base = "b@1.0.0"\nfolds = [[2011]]', "unknown folds; there is base, bootstrap"),
        (RATES + "base = 3", "base must be str"),
        (RATES + 'data = "store"', r"data must be a section, \[data\]"),
        (RATES + 'base = "b@1.0.0"\n[data]\nstore = 1', r"\[data\]: unknown store"),
        (RATES + 'base = "b@1.0.0"\n[data]\ncadence_h = 0', "cadence_h must be 1 or more"),
        (RATES + 'base = "b@1.0.0"\n[data]\nsince = 3', r"\[data\]: since must be a date"),
        (RATES + 'base = "b@1.0.0"\n[data]\nsince = "yes"', "'yes' is not a time"),
        (
            RATES + 'base = "b@1.0.0"\n[data]\nsince = 2026-02-01\nuntil = 2026-01-01',
            "is not before until",
        ),
        (RATES + 'base = "b@1.0.0"\n[data]\nreport_share = 0.9', "report_share leave less"),
        (RATES + 'base = "b@1.0.0"\n[data]\nseries = [1]', "series must be a list of names"),
    ],
)
def test_so_is_one_for_the_store(tmp_path, text, named):
    path = tmp_path / "adapt.toml"
    path.write_text(text)
    # What is wrong in a file is said before the store is looked at.
    history = History(folder=tmp_path, url=f"sqlite:///{tmp_path / 'x.db'}", days=0, regions=())
    with pytest.raises(InputError, match=named):
        train_model(
            path, None, tmp_path / "a" / "1.0.0", cache=tmp_path, stored=history.stored(tmp_path)
        )


def test_a_file_says_itself_that_it_trains_on_the_store(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text(PLAIN)
    assert not wants_store(path)
    path.write_text(PLAIN + '[data]\nsource = "store"\n')
    assert wants_store(path)
    for wrong in ('[data]\nsource = "sotre"\n', 'data = "store"\n', "[data]\n"):
        path.write_text(PLAIN + wrong)
        with pytest.raises(InputError, match=r"data\.source must be 'store'"):
            wants_store(path)


def test_the_file_that_ships_says_what_the_defaults_are():
    table = read_toml(shipped_models() / "fulldisk-cnn" / "train.toml")
    assert table.pop("architecture") == "plain-cnn"
    assert plain_config(table, "shipped") == plain_config({}, "defaults")


def test_the_file_to_adapt_with_is_understood_and_names_a_rate_map_that_ships():
    table = read_toml(shipped_models() / "adapt.toml")
    assert table.pop("architecture") == "rate-map"
    history = History(folder=Path(), url="sqlite:///nothing.db", days=0, regions=())
    config, within = stored_config(table.pop("data"), "shipped", history.stored(Path()))
    assert (config.report_share, config.cadence_h) == (0.3, 6)
    assert within.since is None
    base, _ = adapt_config(table, "shipped")
    assert find_package(shipped_models(), ModelId.parse(base)).reads_activity


@pytest.mark.parametrize("command", ["train", "evaluate", "calibrate"])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = capsys.readouterr().out
    assert "Example" in told
    assert f"flaremon {command}" in told


def test_without_data_and_without_store_it_is_said_what_to_name(tmp_path, capsys):
    path = tmp_path / "train.toml"
    path.write_text(PLAIN)
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path), "--out", str(tmp_path / "a" / "1.0.0")])
    assert ended.value.code == 3
    assert "--data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from-store", "--data", "."), "leave --data out"),
        (("--data", ".", "--since", "2026-01-01"), "add --from-store"),
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path, capsys, options, said):
    path = tmp_path / "train.toml"
    path.write_text(PLAIN)
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path), "--out", str(tmp_path / "a" / "1.0.0"), *options])
    assert ended.value.code == 3
    assert said in capsys.readouterr().err


def test_where_no_frames_are_kept_the_setting_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FLAREMON_FRAMES__KEEP", "false")
    path = tmp_path / "train.toml"
    path.write_text(PLAIN)
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path), "--from-store", "--out", str(tmp_path / "a" / "1.0.0")])
    assert ended.value.code == 3
    assert "FLAREMON_FRAMES__KEEP=true" in capsys.readouterr().err
