"""Another package beside the rate map, both through the path that serves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent, ModelId
from flaremon.inference import Predictor
from flaremon.package import EventSpec, ModelPackage, find_package, shipped_models
from flaremon.preprocess import FrameSpec, to_plane
from flaremon.training.evaluation import NETWORK, Hours
from flaremon.training.labels import Times
from flaremon.training.outside import score_images
from flaremon.training.synoptic import Rendering, read_strip, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A package that is compared with."""

    package: ModelPackage
    predictor: Predictor

    @property
    def name(self) -> str:
        """Its identity."""
        return str(self.package.id)

    def frames(
        self, maps: Path, times: Times, spec: FrameSpec
    ) -> Iterator[tuple[np.datetime64, NDArray[np.float32], NDArray[np.float32]]]:
        """Yield time, and plane (1, side, side) for `spec` and for itself, of rendered disks.

        They are rendered as plain networks are trained: radial field times mu, not weakened.
        """
        strip = read_strip(maps)
        own = self.package.frame
        for time in times:
            frame = render(strip, time, own, Rendering.AS_RENDERED)
            if frame is not None:
                mine = to_plane(frame, own)
                if spec == own:
                    yield time, mine, mine
                    continue
                other = render(strip, time, spec, Rendering.AS_RENDERED)
                if other is not None:
                    yield time, to_plane(other, spec), mine

    def says(self, plane: NDArray[np.float32], events: Sequence[FlareEvent]) -> list[float]:
        """Return its probabilities of events from one plane; NaN of those it does not answer."""
        (scores,) = self.predictor.predict(plane[np.newaxis])
        said = {score.event: score.probability for score in scores}
        return [said.get(event, np.nan) for event in events]

    def added(self, pictures: Hours, folder: Path, events: Sequence[FlareEvent]) -> Hours:
        """Return hours of real images with what it says of them, beside the rest."""
        own = score_images(self.package, folder)
        said = np.full((len(pictures.times), len(events)), np.nan)
        if own is not None:
            places = {time: place for place, time in enumerate(own.times)}
            rows = np.array([places.get(time, -1) for time in pictures.times])
            for column, spec in enumerate(self.package.events):
                if spec.event in events:
                    p = 1 / (1 + np.exp(-own.logits[rows, column]))
                    said[:, events.index(spec.event)] = np.where(rows >= 0, p, np.nan)
        return self.joined(pictures, said, events)

    def joined(
        self, hours: Hours, said: NDArray[np.float64], events: Sequence[FlareEvent]
    ) -> Hours:
        """Return hours with its probabilities (N, events) as one more forecaster."""
        cuts = {spec.event: spec.threshold for spec in self.package.events}
        return replace(
            hours,
            others={**hours.others, self.name: said},
            pairs=(*hours.pairs, *((who, self.name) for who in (NETWORK, *hours.others))),
            thresholds={
                **hours.thresholds,
                self.name: [cuts.get(event, np.nan) for event in events],
            },
        )

    def shared(self, hours: Hours, specs: Sequence[EventSpec]) -> tuple[Hours, list[EventSpec]]:
        """Return hours and events without the events that it does not answer."""
        own = {spec.event for spec in self.package.events}
        columns = [k for k, spec in enumerate(specs) if spec.event in own]
        return (
            replace(
                hours,
                logits=hours.logits[:, columns],
                others={name: values[:, columns] for name, values in hours.others.items()},
                thresholds={
                    name: [values[k] for k in columns] for name, values in hours.thresholds.items()
                },
            ),
            [specs[k] for k in columns],
        )


def beside(model: str) -> Beside | None:
    """Return a shipped package to compare with; None where the name is empty.

    Raises
    ------
    ModelError
        If there is no such package.
    """
    if not model:
        return None
    package = find_package(shipped_models(), ModelId.parse(model))
    return Beside(package=package, predictor=Predictor(package, device="cpu"))
