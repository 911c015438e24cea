"""Units of measure: which words name one, and what one is worth in another of its kind."""

from __future__ import annotations

import re
from fractions import Fraction

_TABLE: dict[str, tuple[tuple[str, str | int | Fraction], ...]] = {
    # kind: (names, worth in the first unit of the kind)
    "length": (
        ("m meter meters metre metres", 1),
        ("mm millimeter millimeters millimetre millimetres", Fraction(1, 1000)),
        ("cm centimeter centimeters centimetre centimetres", Fraction(1, 100)),
        ("dm decimeter decimeters", Fraction(1, 10)),
        ("km kilometer kilometers kilometre kilometres", 1000),
        ("in inch inches", Fraction(254, 10000)),
        ("ft foot feet", Fraction(3048, 10000)),
        ("yd yard yards", Fraction(9144, 10000)),
        ("mi mile miles", Fraction(1609344, 1000)),
    ),
    "mass": (
        ("g gram grams", 1),
        ("mg milligram milligrams", Fraction(1, 1000)),
        ("kg kilogram kilograms", 1000),
        ("lb lbs pound pounds", Fraction(45359237, 100000)),
        ("oz ounce ounces", Fraction(45359237, 1600000)),
    ),
    "time": (
        ("s sec secs second seconds", 1),
        ("min mins minute minutes", 60),
        ("h hr hrs hour hours", 3600),
        ("day days", 86400),
        ("week weeks", 604800),
    ),
    "months": (("month months", 1), ("year years yr yrs", 12)),
    "volume": (
        ("l liter liters litre litres", 1),
        ("ml milliliter milliliters millilitre millilitres", Fraction(1, 1000)),
        ("gallon gallons gal", Fraction(3785411784, 10**9)),
    ),
    "money": (("$ dollar dollars usd", 1), ("¢ cent cents", Fraction(1, 100))),
    "euro": (("€ euro euros eur", 1),),
    "pound sterling": (("£", 1),),
    "angle": (("deg degree degrees", 1), ("rad radian radians", 0)),
    "temperature": (("celsius", 1),),
    "temperature in Fahrenheit": (("fahrenheit", 1),),
    "before noon": (("am a.m", 1),),
    "after noon": (("pm p.m", 1),),
    "speed": (
        ("m/s", 1),
        ("km/h kmh kph km/hr", Fraction(1000, 3600)),
        ("mph mi/h", Fraction(1609344, 3600000)),
    ),
}
UNITS: dict[str, tuple[str, Fraction]] = {
    name: (kind, Fraction(worth))
    for kind, units in _TABLE.items()
    for names, worth in units
    for name in names.split()
}
"""Name of a unit to its kind and worth.

A radian is worth 0: the ratio to a degree is no fraction.
"""

_SQUARE = re.compile(r"^(?:sq\.?|square)\s+(\w+)$|^(\w+)\s*(?:\^\s*\{?2\}?|squared)$")
_CUBIC = re.compile(r"^(?:cu\.?|cubic)\s+(\w+)$|^(\w+)\s*(?:\^\s*\{?3\}?|cubed)$")
_PER = re.compile(r"^(\w+)\s*(?:per|/)\s*(\w+)$")


def unit_of(words: str) -> tuple[str, Fraction] | None:
    """Kind and worth of a unit given in words; None if the words name no unit.

    `square cm` is of the kind `length^2` and worth 1/10000.
    """
    words = words.strip().strip(".")
    if words.startswith("base "):
        return words, Fraction(1)
    known = UNITS.get(words) or UNITS.get(words.lower())
    if known:
        return known
    for pattern, power in ((_SQUARE, 2), (_CUBIC, 3)):
        match = pattern.match(words)
        base = UNITS.get((match[1] or match[2]).lower()) if match else None
        if base and base[0] == "length":
            return f"length^{power}", base[1] ** power
    return _rate(words)


def _rate(words: str) -> tuple[str, Fraction] | None:
    match = _PER.match(words)
    top, bottom = (
        (UNITS.get(match[1].lower()), UNITS.get(match[2].lower())) if match else (None, None)
    )
    if not top or not bottom or not bottom[1]:
        return None
    if top[0] == "length" and bottom[0] == "time":
        return "speed", top[1] / bottom[1]
    return f"{top[0]}/{bottom[0]}", top[1] / bottom[1]
