"""The model card, generated from package and evaluation: no figure in it is typed by hand."""

from datetime import date
from itertools import pairwise

from flaremon.package import DESCRIPTION_FILE, WEIGHTS_FILE, ModelPackage
from flaremon.training.card_text import HEAD, HOW_TO_READ, INPUT, LIMITS, METHOD
from flaremon.training.evaluation import NETWORK, PERSISTENCE, TRAILING
from flaremon.training.report import Figure, Forecaster, Report, SplitSummary, Verification


def render_card(package: ModelPackage, report: Report) -> str:
    """Write the card in Markdown.

    Parameters
    ----------
    package : ModelPackage
        The model.
    report : Report
        Of these very weights.
    """
    return "\n".join(
        [
            HEAD.format(
                model=package.id,
                answers="\n".join(
                    f'- `{spec.event}`: {spec.event.in_words}; the answer is "flare" from a '
                    f"probability of {spec.threshold:g} on"
                    for spec in package.events
                ),
            ),
            _input_and_data(package),
            "## Years and base rates\n",
            splits_table(report.splits),
            METHOD.format(
                gap=_least_gap_d(report.splits),
                seed=package.training.seed,
                software=package.training.software,
            ),
            "## Skill on hours it has not seen\n",
            HOW_TO_READ,
            *(verification_section(v) for v in report.verifications),
            LIMITS,
            files_section(package),
        ]
    )


def _input_and_data(package: ModelPackage) -> str:
    frame, training = package.frame, package.training
    return INPUT.format(
        side=frame.size_px,
        fraction=frame.radius_fraction,
        edge=frame.edge,
        clip=frame.clip_gauss,
        series=package.series,
        start=training.start,
        end=training.end,
        data=training.data,
        labels=training.labels,
    )


def splits_table(
    splits: tuple[SplitSummary, ...], choose: str = "to choose the epoch and the design"
) -> str:
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
    if not v.forecasters:
        return f"{title}\nNo hour can be judged: the lists have no end times for these flares.\n"
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
            f"- {pair.removeprefix(_PAIR).capitalize()}: BSS {_in_words(f)}, {_verdict(f)}."
            for pair, f in v.paired.items()
            if pair.startswith(_PAIR)
        ),
    ]


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


_PAIR = "bss of "
_COLUMNS = ("tss", "tss_hindsight", "hss", "bss", "auc", "ece")
_PURPOSE = {
    "train": "to train",
    "report": "to report; nothing was chosen on them",
}
