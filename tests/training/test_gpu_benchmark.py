"""The benchmark of a GPU: honest without one, and whole with the CPU in its place."""

import pytest
import torch
from benchmarks import gpu
from support.histories import SPEC
from support.packages import write_package, write_rate_package

from flaremon.inference.threads import threads


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_fails_nothing(capsys):
    assert gpu.main([]) == 0
    assert capsys.readouterr().out == "no GPU here\n"


def test_it_measures_inference_roofs_and_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gpu, "LEAST_S", 0.0)
    write_package(tmp_path, frame=SPEC, network={"pooled_px": 32})
    write_rate_package(tmp_path, frame=SPEC)
    small = ["--largest", "2", "--samples", "24", "--matrix", "32", "--models", str(tmp_path)]
    with threads(1):
        assert gpu.main(["--device", "cpu", *small]) == 0
    told = capsys.readouterr().out
    assert "matrix product" in told
    for name in ("tiny-cnn@0.0.1, cpu", "tiny-rate@0.0.1, cpu"):
        assert name in told
    rows = [line.split() for line in told.splitlines() if line.startswith("      ")]
    assert [row[0] for row in rows] == ["1", "2", "1", "2"]
    assert all(float(row[4].rstrip("%")) > 0 and float(row[5].rstrip("%")) > 0 for row in rows)
    assert "8 epoch(s) of 24 planes" in told
