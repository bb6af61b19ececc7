"""Learning curves as a picture."""

from collections.abc import Sequence
from pathlib import Path

from flaremon.training.loop import Epoch

CURVES_FILE = "curves.png"
"""In the folder of a package."""


def draw_curve(curve: Sequence[Epoch], folder: Path) -> Path:
    """Draw the losses of a training by epoch, and which was kept; return the picture's path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - 0.5 s
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    numbers = [epoch.number for epoch in curve]
    best = min(curve, key=lambda epoch: epoch.choose_loss)
    axes.plot(numbers, [epoch.train_loss for epoch in curve], marker=".", label="to train")
    axes.plot(numbers, [epoch.choose_loss for epoch in curve], marker=".", label="to choose")
    axes.axvline(best.number, color="0.6", linestyle="--", label=f"kept: {best.number}")
    axes.set(xlabel="epoch", ylabel="cross-entropy")
    axes.legend()
    figure.savefig(folder / CURVES_FILE, dpi=100, metadata={"Software": None})
    return folder / CURVES_FILE
