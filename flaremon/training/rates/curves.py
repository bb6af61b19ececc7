"""Learning curves as a picture."""

from collections.abc import Sequence
from pathlib import Path

from flaremon.training.rates.members import Epoch


def draw_curves(
    curves: Sequence[Sequence[Epoch]], folds: Sequence[Sequence[int]], path: Path
) -> None:
    """Draw the likelihoods of all members, on the years they were fitted to and on the others."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - 0.5 s
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    fitted, unseen = figure.subplots(1, 2)
    for curve, fold in zip(curves, folds, strict=True):
        numbers = [epoch.number for epoch in curve]
        name = "without " + ", ".join(map(str, fold))
        fitted.plot(numbers, [epoch.train_loss for epoch in curve], label=name)
        first = curve[0].left_out_loss
        unseen.plot(numbers, [epoch.left_out_loss - first for epoch in curve])
    fitted.set(title="fitted years", xlabel="epoch", ylabel="- log likelihood per rotation")
    unseen.set(title="years left out, change since the first epoch", xlabel="epoch")
    fitted.legend(fontsize=7)
    figure.savefig(path, dpi=100, metadata={"Software": None})
