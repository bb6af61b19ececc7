"""The card of a rate map, generated from package and evaluation: no figure is typed by hand."""

from flaremon.package import ModelPackage
from flaremon.training.card import files_section, splits_table, verification_section
from flaremon.training.rates.card_text import (
    CHOOSE,
    DATA,
    HEAD,
    HOW_TO_READ,
    LIMITS,
    METHOD,
)
from flaremon.training.report import Report


def render_card(package: ModelPackage, report: Report) -> str:
    """Write the card in Markdown.

    Parameters
    ----------
    package : ModelPackage
        The model.
    report : Report
        Of these very weights.
    """
    answers = "\n".join(
        f'- `{spec.event}`: {spec.event.in_words}; the answer is "flare" from a probability of '
        f"{spec.threshold:g} on"
        for spec in package.events
    )
    frame, training = package.frame, package.training
    return "\n".join(
        [
            HEAD.format(model=package.id, answers=answers, members=package.network["members"]),
            DATA.format(
                side=frame.size_px,
                fraction=frame.radius_fraction,
                edge=frame.edge,
                clip=frame.clip_gauss,
                series=package.series,
                start=training.start,
                end=training.end,
                data=training.data,
                labels=training.labels,
            ),
            "## Years and base rates\n",
            splits_table(report.splits, CHOOSE),
            METHOD.format(seed=training.seed, software=training.software),
            "## Skill on hours it has not seen\n",
            HOW_TO_READ,
            *(verification_section(v) for v in report.verifications),
            LIMITS,
            files_section(package),
        ]
    )
