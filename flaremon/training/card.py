"""The model card, generated from package and evaluation: no figure in it is typed by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from flaremon.package import CARD_FILE, DESCRIPTION_FILE, WEIGHTS_FILE, ModelPackage
from flaremon.training.evaluation import NETWORK, PERSISTENCE, TRAILING
from flaremon.training.report import (
    REPORT_FILE,
    Figure,
    Forecaster,
    Report,
    SplitSummary,
    Verification,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardText:
    """What the card of one kind of model says in any case, with {places} for facts.

    All texts know the same facts, those of `facts_of`, and whatever else a recipe gives.
    """

    head: str
    data: str
    choose: str
    """What the years between those to train and those to report on were for."""
    method: str
    how_to_read: str
    limits: str


def render_card(
    package: ModelPackage,
    report: Report,
    text: CardText,
    more: Mapping[str, Any] | None = None,
) -> str:
    """Write the card in Markdown.

    Parameters
    ----------
    package : ModelPackage
        The model.
    report : Report
        Of these very weights.
    text : CardText
        Of its kind.
    more : mapping, optional
        Facts beside those of `facts_of`.
    """
    facts = {**facts_of(package, report), **(more or {})}
    return "\n".join(
        [
            text.head.format(**facts),
            text.data.format(**facts),
            "## Years and base rates\n",
            splits_table(report.splits, text.choose),
            text.method.format(**facts),
            "## Skill on hours it has not seen\n",
            text.how_to_read,
            *(verification_section(v) for v in report.verifications),
            text.limits.format(**facts),
            files_section(package),
        ]
    )


def write_evaluation(
    draft: ModelPackage,
    report: Report,
    text: CardText,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write evaluation and card into the folder of a package.

    The card is made from what is kept, so that both round alike.
    """
    kept = report.to_json()
    card = render_card(draft, Report.from_json(kept), text, more)
    (draft.folder / REPORT_FILE).write_text(kept, encoding="utf-8")
    (draft.folder / CARD_FILE).write_text(card, encoding="utf-8")


def facts_of(package: ModelPackage, report: Report) -> dict[str, Any]:
    """Return what every card can say of its model."""
    frame, training = package.frame, package.training
    return {
        "model": package.id,
        "answers": "\n".join(
            f'- `{spec.event}`: {spec.event.in_words}; the answer is "flare" from a probability '
            f"of {spec.threshold:g} on"
            for spec in package.events
        ),
        "members": package.network.get("members"),
        "side": frame.size_px,
        "fraction": frame.radius_fraction,
        "edge": frame.edge,
        "clip": frame.clip_gauss,
        "series": package.series,
        "start": training.start,
        "end": training.end,
        "data": training.data,
        "labels": training.labels,
        "gap": _least_gap_d(report.splits),
        "seed": training.seed,
        "software": training.software,
    }


def splits_table(splits: tuple[SplitSummary, ...], choose: str) -> str:
    """Write the years and their base rates; `choose` is what those between were for."""
    purposes = {**_PURPOSE, "choose": choose}
    events = list(splits[0].base_rates)
    rows = [
        "| years | purpose | " + " | ".join(f"share of hours with `{e}`" for e in events) + " |",
        "|---|---|" + "---|" * len(events),
    ]
    for split in splits:
        rates = " | ".join(f"{split.base_rates[event]:.3f}" for event in events)
        rows.append(f"| {split.start} to {split.end} | {purposes[split.name]} | {rates} |")
    return "\n".join(rows) + "\n"


def _least_gap_d(splits: tuple[SplitSummary, ...]) -> int:
    """Return the days between the last day of a split and the first of the next."""
    return min(
        (date.fromisoformat(after.start) - date.fromisoformat(before.end)).days
        for before, after in pairwise(splits)
    )


def verification_section(v: Verification) -> str:
    """Write one event on one set of hours."""
    title = f"### `{v.event}`, {v.hours}\n\n{_hours_in_words(v)}\n"
    if not v.n:
        return f"{title}\nNo hour can be judged: the lists have no end times for these flares.\n"
    if not v.forecasters:
        return f"{title}\nThere is nothing to tell apart: the outcome was always the same.\n"
    rows = [
        "| who | mean p | TSS | best TSS in hindsight | HSS | BSS | AUC | ECE | TP/FP/FN/TN |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(forecaster) for forecaster in v.forecasters),
        f"| climatology of these hours | {v.base_rate:.3f} | 0 | 0 | 0 | 0 | 0.5 | 0 | |",
    ]
    return "\n".join([title, *rows, "", *_verdicts(v), "", _reliability(v), ""])


def _hours_in_words(v: Verification) -> str:
    counted = f", P = {v.positives}, base rate {v.base_rate:.3f}" if v.n else ""
    return (
        f"{v.start[:10]} to {v.end[:10]}: n = {v.n}{counted}, {v.unknown} hours unknown and left "
        f"out; bootstrap of {v.blocks} blocks ({v.block})."
    )


def _row(forecaster: Forecaster) -> str:
    counts = forecaster.contingency
    figures = " | ".join(_in_words(forecaster.figures[k]) for k in _COLUMNS)
    return (
        f"| {forecaster.name} | {forecaster.mean_probability:.3f} | {figures} | "
        f"{counts.tp} / {counts.fp} / {counts.fn} / {counts.tn} |"
    )


def _verdicts(v: Verification) -> list[str]:
    """Say what the intervals allow to say, and no more."""
    bss = v.forecasters[0].figures["bss"]
    over, gain = v.paired[f"bss over {TRAILING}"], v.paired[f"tss minus {PERSISTENCE}"]
    return [
        f"- Against the climatology of these hours: BSS {_in_words(bss)}, {_verdict(bss)}.",
        f"- Against {TRAILING}: BSS {_in_words(over)}, {_verdict(over)}.",
        f"- TSS minus that of {PERSISTENCE}: {_in_words(gain)}, {_verdict(gain)}.",
        *(
            f"- {_begun(pair.removeprefix(_PAIR))}: BSS {_in_words(f)}, {_verdict(f)}."
            for pair, f in v.paired.items()
            if pair.startswith(_PAIR)
        ),
        *(
            f"- TSS of the {pair.removeprefix(_TSS_PAIR)}: {_in_words(f)}, {_verdict(f)}."
            for pair, f in v.paired.items()
            if pair.startswith(_TSS_PAIR)
        ),
    ]


def _begun(sentence: str) -> str:
    """Return it with its first letter great, and no other changed."""
    return sentence[:1].upper() + sentence[1:]


def _verdict(figure: Figure) -> str:
    if figure.low > 0:
        return "**better**"
    return "**worse**" if figure.high < 0 else "**not distinguishable**"


def _reliability(v: Verification) -> str:
    cells = [f"{mean:.2f} / {share:.2f} ({count})" for count, mean, share in v.reliability]
    return f"Reliability of the {NETWORK}, mean p / observed (hours): " + ", ".join(cells) + "."


def files_section(package: ModelPackage) -> str:
    """Write what the package's files are."""
    return (
        f"## Files\n\n`{DESCRIPTION_FILE}` is what machines read, `evaluation.json` holds the "
        f"figures above, `{WEIGHTS_FILE}` the weights (SHA-256 `{package.weights_sha256}`).\n"
    )


def _in_words(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


_PAIR, _TSS_PAIR = "bss of ", "tss of "
_COLUMNS = ("tss", "tss_hindsight", "hss", "bss", "auc", "ece")
_PURPOSE = {
    "train": "to train",
    "report": "to report; nothing was chosen on them",
}
