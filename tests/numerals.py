"""Numbers parsed back out of sentences, to be found in the row that they speak of."""

import math
import re

NUMBER = re.compile(r"(\d[\d\u202f,.]*\d|\d)(?:\u00a0?(k|M|m|bn|Md)(?=[€$£]|\b))?")
SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "m": 1e6, "bn": 1e9, "Md": 1e9}
PERIOD = re.compile(r"\b[TQSW]\d+( 20\d\d)?|\b(FY)?20\d\d\b")
DAY = re.compile(r"\b\d{1,2}(?:er| de)?[ \u00a0][^\W\d_]+\.?(?: de)?[ \u00a0]20\d\d\b")
THOUSANDS = {"en": ",", "es": ".", "fr": "\u202f"}
SMALL = 1e-9


def numbers_in(said, lang):
    """Yield each number without its sign and half a unit of its last digit; no period, no day."""
    for match in NUMBER.finditer(PERIOD.sub("", DAY.sub("", said))):
        scale = SCALES[match[2] or ""]
        figures = match[1].replace(THOUSANDS[lang], "").replace(",", ".")
        decimals = len(figures.partition(".")[2])
        if match[2]:  # three figures, of which the last zeros are not written
            decimals = 2 - math.floor(math.log10(float(figures)))
        yield float(figures) * scale, 0.5 * 10**-decimals * scale


def unknown_numbers(said, row, lang):
    """The numbers of a sentence that its row does not hold: as they are, in percent, as a gap."""
    for value in (v for v in dict(row).values() if isinstance(v, str)):
        said = said.replace(f"({value})", "")
    held = [v for v in dict(row).values() if isinstance(v, int | float) and math.isfinite(v)]
    if math.isfinite(row["target"]) and row["target"]:
        held += [row["value"] / row["target"], row["value"] - row["target"]]
    held = [abs(each) for each in (*held, *(100 * value for value in held))]
    return [
        number
        for number, half in numbers_in(said, lang)
        if not any(abs(number - each) <= half + SMALL * each for each in held)
    ]
