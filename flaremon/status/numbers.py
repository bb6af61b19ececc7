"""Probabilities for people."""


def percent(probability: float | None, *, digits: int | None = None) -> str:
    """Write ``23 %``, ``3.4 %``, ``< 0.1 %`` or ``unknown``.

    Parameters
    ----------
    digits : int, optional
        After the point; by default one below 10 %, none above.
    """
    if probability is None:
        return "unknown"
    value = probability * 100
    if digits is None:
        if 0 < value < 0.1:
            return "< 0.1 %"
        digits = 1 if 0 < value < 9.95 else 0
    return f"{value:.{digits}f} %"


def percents(probability: float, threshold: float) -> tuple[str, str]:
    """Write two that are compared: with as many digits as it takes to tell them apart."""
    pair = percent(probability), percent(threshold)
    for digits in range(1, 6):
        if pair[0] != pair[1] or probability == threshold:
            break
        pair = percent(probability, digits=digits), percent(threshold, digits=digits)
    return pair
