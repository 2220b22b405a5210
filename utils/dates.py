"""Dates as people write them, each with its ISO form: the data of the date translator.

What belongs here: writing one date in many forms and languages (`write`), drawing examples and splits from a seed
(`examples`, `split`), and reading a text back to every date that it can mean (`readings`, `ambiguous`). What does not:
vocabularies and networks. Taught in `21_date_translation`.

Names and patterns are those of the Unicode CLDR, through Babel; the Jalali calendar of Iran is converted by jdatetime.
Years are always the calendar year, CLDR's `yyyy`; its `YYYY` is the year of the ISO week, which is another one around
New Year (Monday 31 December 2018 is in week 1 of 2019).

No string drawn here can be read as two dates. Three rules see to it, and `readings` proves it:
a year has four digits; a year of 1500 to 2999 is Gregorian and one of 1200 to 1499 is Jalali; a date in numbers with
slashes or dashes and the year last (03/04/1998, the 3rd of April in London and the 4th of March in Boston) is drawn
only where one of the two readings does not exist (20/07/1969) or both are equal (04/04/1998).

Gregorian dates before 15 October 1582, and Jalali ones before 1304, are proleptic: the rules of today run backwards.
"""

import datetime
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import jdatetime
import numpy as np
from babel import Locale
from babel.dates import format_date, get_date_format

from utils.arguments import whole_number

LATIN = ("en_US", "en_GB", "fr", "de", "es", "it", "pt", "nl")
"""Locales in Latin letters; what `examples` draws from unless told otherwise."""
LOCALES = (*LATIN, "fa")
"""All locales that dates can be written in; Persian (`fa`) with Persian digits."""
YEARS = {"gregorian": (1500, 2999), "jalali": (1200, 1499)}
"""First and last year that each calendar can be asked for. The ranges do not meet: a year tells its calendar."""
DEFAULT_YEARS = {"gregorian": (1500, 2099), "jalali": (1300, 1420)}

_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_FIELD = re.compile(r"'([^']*)'|(E+|c+|d+|o|M+|L+|y+)|([^'EcdoMLy]+)")  # quoted words, a field, anything else
_KINDS = {"o": "d", "L": "M", "c": "E"}  # fields that mean the same: L and c are names that stand alone
_NUMBERS = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})")
_PERSIAN_ORDINALS = ["یکم", "دوم", "سوم", "چهارم", "پنجم", "ششم", "هفتم", "هشتم", "نهم", "دهم", "یازدهم", "دوازدهم"]
_PERSIAN_ORDINALS += ["سیزدهم", "چهاردهم", "پانزدهم", "شانزدهم", "هفدهم", "هجدهم", "نوزدهم", "بیستم"]
_PERSIAN_ORDINALS += [f"بیست و {word}" for word in _PERSIAN_ORDINALS[:9]] + ["سی‌ام", "سی و یکم"]

# Forms that CLDR has no pattern for. The field `o` is the day as an ordinal number in the language of the locale.
_MORE = {
    "en_US": {"ordinal": "MMMM o y", "ordinal comma": "MMMM o, y", "short ordinal": "MMM o y"},
    "en_GB": {"ordinal": "o MMMM y", "ordinal of": "o 'of' MMMM y", "comma": "d MMMM, y"},
    "fr": {"ordinal": "o MMMM y"},
}
_JALALI = {
    "long": "d MMMM y",
    "full": "EEEE d MMMM y",
    "full comma": "EEEE، d MMMM y",
    "month": "d MMMM 'ماه' y",
    "ordinal": "o MMMM y",
    "numeric": "y/M/d",
    "padded": "y/MM/dd",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A date as written, and what it is.

    Attributes
    ----------
    text : str
        The date as written.
    iso : str
        Its ISO form yyyy-MM-dd, in ASCII digits.
    format, locale : str
        What it was written by.
    """

    text: str
    iso: str
    format: str
    locale: str


def _check_choice(name: str, value, allowed) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}.")


@cache
def _patterns(locale: str, calendar: str) -> dict[str, str]:
    """Return name -> pattern, no pattern twice."""
    if calendar == "jalali":
        return dict(_JALALI)
    skeletons = Locale.parse(locale).datetime_skeletons
    numeric = skeletons["yMd"].pattern
    named = {name: get_date_format(name, locale).pattern for name in ("medium", "long", "full")}
    named |= {"weekday": skeletons["yMMMEd"].pattern, "numeric": numeric}
    named |= {"padded": re.sub("M+", "MM", re.sub("d+", "dd", numeric)), "year first": "y/MM/dd"}
    named |= _MORE.get(locale, {})
    unique = {pattern: name for name, pattern in reversed(named.items())}  # of two equal patterns the first name stays
    return {name: pattern for name, pattern in named.items() if unique[pattern] == name}


def formats(locale: str, calendar: str = "gregorian") -> tuple[str, ...]:
    """Return the names of the formats in which a locale writes dates of a calendar.

    Parameters
    ----------
    locale : str
        A name of `LOCALES`.
    calendar : {"gregorian", "jalali"}
        Jalali dates are written in Persian only.

    Returns
    -------
    tuple of str
        What `write` takes as its format.

    Raises
    ------
    ValueError
        For a locale that is not in `LOCALES`, an unknown calendar, and Jalali outside Persian.
    """
    _check_choice("calendar", calendar, YEARS)
    _check_choice("locale", locale, ("fa",) if calendar == "jalali" else LOCALES)
    return tuple(_patterns(locale, calendar))


def _ordinal(day: int, locale: str) -> str:
    if locale == "fa":
        return _PERSIAN_ORDINALS[day - 1]
    if locale == "fr":
        return "1er" if day == 1 else str(day)  # French counts the first day only
    return f"{day}{'th' if 11 <= day <= 13 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


@cache
def _table(field: str, locale: str, calendar: str) -> dict[int, str]:
    """Return number -> text of a day, a month or a weekday (Monday is 0); one call of Babel for each, then never."""
    if field[0] in "Ec":
        return {n: format_date(datetime.date(2024, 1, 1 + n), field, locale) for n in range(7)}  # 1 January: a Monday
    if field == "o":
        return {day: _ordinal(day, locale) for day in range(1, 32)}
    if field[0] in "ML" and len(field) > 2:
        if calendar == "jalali":
            return dict(enumerate(jdatetime.date.j_months_fa, start=1))
        return {month: format_date(datetime.date(2024, month, 1), field, locale) for month in range(1, 13)}
    return {n: f"{n:0{len(field)}d}" for n in range(1, 32)}


@cache
def _parts(format: str, locale: str, calendar: str) -> tuple[tuple[str, bool], ...]:
    """Return the pattern cut up: (letters, whether they are a field)."""
    pattern = _patterns(locale, calendar)[format]
    pieces = _FIELD.findall(pattern)
    unknown = "".join(plain for _, _, plain in pieces)
    if any(char.isascii() and char.isalpha() for char in unknown):  # all of them are fields in CLDR's patterns
        raise ValueError(
            f"the pattern {pattern!r} of {locale!r} has a field that utils.dates does not know: {unknown!r}. A new "
            "version of Babel may have brought it; install the one in constraints.txt."
        )
    return tuple((field, True) if field else (quoted or plain, False) for quoted, field, plain in pieces)


def _year_month_day(day: datetime.date, calendar: str) -> tuple[int, int, int]:
    if calendar == "jalali":
        day = jdatetime.date.fromgregorian(date=day)
    return day.year, day.month, day.day


def _write(day: datetime.date, format: str, locale: str, calendar: str, lower: bool) -> str:
    year, month, day_of_month = _year_month_day(day, calendar)
    number = {"E": day.weekday(), "c": day.weekday(), "d": day_of_month, "o": day_of_month, "M": month, "L": month}
    text = "".join(
        letters
        if not is_field
        else str(year)
        if letters[0] == "y"
        else _table(letters, locale, calendar)[number[letters[0]]]
        for letters, is_field in _parts(format, locale, calendar)
    )
    text = text.lower() if lower else text
    return text.translate(_PERSIAN_DIGITS) if locale == "fa" else text


def write(
    day: datetime.date, format: str, locale: str = "en_US", *, calendar: str = "gregorian", lower: bool = False
) -> str:
    """Return a date as text.

    Parameters
    ----------
    day : datetime.date
        Always Gregorian; it is converted before it is written in another calendar.
    format : str
        A name of ``formats(locale, calendar)``.
    locale : str
        A name of `LOCALES`.
    calendar : {"gregorian", "jalali"}
        In which the date is written.
    lower : bool
        Whether in lower-case letters only.

    Returns
    -------
    str
        It may be ambiguous (see `ambiguous`); what `examples` draws is not.

    Raises
    ------
    TypeError
        If `day` is no date.
    ValueError
        For unknown names and for a year outside ``YEARS[calendar]``.

    Examples
    --------
    >>> write(datetime.date(1969, 7, 20), "ordinal", "en_US")
    'July 20th 1969'
    """
    if not isinstance(day, datetime.date):
        raise TypeError(f"day is {day!r}; expected a datetime.date.")
    _check_choice("format", format, formats(locale, calendar))
    year, (first, last) = _year_month_day(day, calendar)[0], YEARS[calendar]
    if not first <= year <= last:
        raise ValueError(f"{day} is in {calendar} year {year}; dates are written for {first} to {last} only.")
    return _write(day, format, locale, calendar, lower)


def _plain(text: str) -> str:
    """Return text with ASCII digits, in lower case, with single spaces."""
    digits = (str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join("".join(digits).lower().split())


@cache
def _reader(format: str, locale: str, calendar: str):
    """Return (pattern, fields): what `_plain` texts of a format look like, with one group for each field."""
    pattern, fields = "", []
    for letters, is_field in _parts(format, locale, calendar):
        if not is_field:
            pattern += re.escape(letters.lower())
            continue
        fields.append(letters)
        if letters[0] == "y":
            pattern += r"(\d{4}|\d\d)"
        elif letters in ("d", "dd", "M", "MM", "L", "LL"):
            pattern += r"(\d\d?)"
        else:
            names = {_plain(name) for name in _table(letters, locale, calendar).values()}
            pattern += f"({'|'.join(map(re.escape, sorted(names)))})"
    return re.compile(pattern), fields


def _date(year: int, month: int, day: int, calendar: str) -> datetime.date | None:
    """Return the date, or None where the calendar has no such day or is not asked for that year."""
    if not YEARS[calendar][0] <= year <= YEARS[calendar][1]:
        return None
    try:
        return (
            jdatetime.date(year, month, day).togregorian() if calendar == "jalali" else datetime.date(year, month, day)
        )
    except ValueError:
        return None


def _years(text: str, calendar: str) -> tuple[int, ...]:
    """Return the years that the digits can mean: themselves, or with two digits one in each of two centuries."""
    if len(text) > 2:
        return (int(text),)
    return tuple(century + int(text) for century in ((1300, 1400) if calendar == "jalali" else (1900, 2000)))


def _numeric_readings(text: str) -> Iterator[datetime.date | None]:
    match = _NUMBERS.fullmatch(text)
    if not match:
        return
    left, separator, middle, right = match.groups()
    orders = []  # (year, month, day)
    if len(left) != 3 and len(right) <= 2:
        orders.append((left.zfill(2), middle, right))
    if len(right) in (2, 4) and len(left) <= 2:
        orders.append((right, middle, left))
        if separator != ".":  # with dots nobody writes the month first
            orders.append((right, left, middle))
    for year, month, day in orders:
        for calendar in YEARS:
            for number in _years(year, calendar):
                yield _date(number, int(month), int(day), calendar)


def _written_readings(text: str, format: str, locale: str, calendar: str) -> Iterator[datetime.date | None]:
    pattern, fields = _reader(format, locale, calendar)
    match = pattern.fullmatch(text)
    if not match:
        return
    meanings = {}
    for field, found in zip(fields, match.groups()):
        if field[0] == "y":
            meanings["y"] = _years(found, calendar)
        elif found.isdecimal() and field != "o":
            meanings[_KINDS.get(field[0], field[0])] = (int(found),)
        else:
            names = _table(field, locale, calendar)
            meanings[_KINDS.get(field[0], field[0])] = [n for n, name in names.items() if _plain(name) == found]
    for year, month, day in product(meanings["y"], meanings["M"], meanings["d"]):
        date = _date(year, month, day, calendar)
        if date is None or date.weekday() in meanings.get("E", (date.weekday(),)):
            yield date


def readings(text: str) -> frozenset[datetime.date]:
    """Return every date that a text can mean, in any format of any locale and calendar of this module.

    Upper and lower case, Persian and ASCII digits, and leading zeros make no difference. Numbers with slashes or
    dashes are read day first and month first, with dots day first; two digits of a year are read in two centuries. A
    weekday must be the right one.

    Parameters
    ----------
    text : str
        A date as somebody wrote it.

    Returns
    -------
    frozenset of datetime.date
        Gregorian dates; none for a text that is no date.

    Raises
    ------
    TypeError
        If `text` is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {text!r}; expected a string.")
    plain = _plain(text)
    found = set(_numeric_readings(plain))
    if not found:
        for locale, calendar in (*((locale, "gregorian") for locale in LOCALES), ("fa", "jalali")):
            for format in _patterns(locale, calendar):
                found.update(_written_readings(plain, format, locale, calendar))
    return frozenset(found - {None})


def ambiguous(text: str) -> bool:
    """Return whether a written date can mean two dates.

    Parameters
    ----------
    text : str
        "03/04/1998" and "20 July 69" can, "20/07/1969" and "3.4.1998" cannot.

    Returns
    -------
    bool
        Whether it has more than one of its `readings`.

    Raises
    ------
    TypeError
        If `text` is no string.
    ValueError
        If it is no date at all.
    """
    found = readings(text)
    if not found:
        raise ValueError(f"{text!r} is no date in any format of utils.dates; for example 'July 20th 1969' is one.")
    return len(found) > 1


def _days(years: Sequence[int] | None, calendar: str) -> np.ndarray:
    """Return the days of the years as Gregorian ordinals, int64 (days,)."""
    _check_choice("calendar", calendar, YEARS)
    try:
        first, last = DEFAULT_YEARS[calendar] if years is None else years
        first, last = whole_number("first", first), whole_number("last", last)
    except (TypeError, ValueError):
        raise TypeError(f"years is {years!r}; expected (first, last), two whole numbers.") from None
    low, high = YEARS[calendar]
    if not low <= first <= last <= high:
        raise ValueError(f"years is {years!r}; expected (first, last), {calendar} years from {low} to {high}.")
    if calendar == "gregorian":
        start, stop = datetime.date(first, 1, 1), datetime.date(last + 1, 1, 1)
    else:
        start, stop = (jdatetime.date(year, 1, 1).togregorian() for year in (first, last + 1))
    return np.arange(start.toordinal(), stop.toordinal())


def _is_swappable(format: str, locale: str, calendar: str) -> bool:
    """Whether the format is numbers with slashes or dashes and the year last."""
    pattern = _patterns(locale, calendar)[format]
    return re.fullmatch("(d+([/-])M+|M+([/-])d+)[/-]y", pattern) is not None


def _forms(locales: Iterable[str] | None, wanted: Iterable[str] | None, calendar: str) -> list[tuple[str, str]]:
    """Return the pairs (format, locale) to draw from."""
    if isinstance(locales, str) or isinstance(wanted, str):
        raise TypeError("locales and formats are collections of names; write ('fr',), not 'fr'.")
    locales = tuple((LATIN if calendar == "gregorian" else ("fa",)) if locales is None else locales)
    forms = [(name, locale) for locale in locales for name in formats(locale, calendar)]
    if wanted is not None:
        wanted, known = set(wanted), {name for name, _ in forms}
        if not wanted or wanted - known:
            raise ValueError(f"formats is {sorted(wanted)}; expected some of {sorted(known)} for locales {locales}.")
        forms = [form for form in forms if form[0] in wanted]
    if not forms:
        raise ValueError("locales is empty; expected at least one name of LOCALES.")
    return forms


def _draw(how_many: int, days: np.ndarray, rng: np.random.Generator, forms, calendar: str, target: str, lower: bool):
    swappable = np.array([_is_swappable(*form, calendar) for form in forms])
    dates = {}  # only the dates that are drawn are converted
    result = []
    for _ in range(1000):
        drawn = rng.choice(days, size=2 * how_many + 10), rng.integers(len(forms), size=2 * how_many + 10)
        for number, form in zip(*(values.tolist() for values in drawn)):
            if len(result) == how_many:
                return result
            if number not in dates:
                day = datetime.date.fromordinal(number)
                iso = "{:04d}-{:02d}-{:02d}".format(*_year_month_day(day, target))
                dates[number] = day, iso, day.day <= 12 and day.day != day.month
            day, iso, has_two_orders = dates[number]
            if not (swappable[form] and has_two_orders):
                name, locale = forms[form]
                result.append(Example(_write(day, name, locale, calendar, lower), iso, name, locale))
    raise ValueError("hardly a date of these years can be written in these formats without doubt; allow more formats.")


def _options(calendar, locales, formats, target, lower):
    _check_choice("calendar", calendar, YEARS)
    _check_choice("target", target, YEARS)
    if not isinstance(lower, bool):
        raise TypeError(f"lower is {lower!r}; expected True or False.")
    return {"forms": _forms(locales, formats, calendar), "calendar": calendar, "target": target, "lower": lower}


def examples(
    how_many: int,
    seed: int,
    *,
    calendar: str = "gregorian",
    locales: Iterable[str] | None = None,
    formats: Iterable[str] | None = None,
    years: Sequence[int] | None = None,
    target: str = "gregorian",
    lower: bool = False,
) -> list[Example]:
    """Return examples drawn at random, with replacement: a date of the years and a form, each with equal chances.

    No text is ambiguous: a numeric form is discarded, and drawn anew, where it could be read in two ways.

    Parameters
    ----------
    how_many : int
        0 or more.
    seed : int
        Equal seeds give equal lists, in any process (with equal versions of NumPy and Babel).
    calendar : {"gregorian", "jalali"}
        In which dates are written; Jalali in Persian, with Persian digits.
    locales : iterable of str, optional
        Names of `LOCALES`; `LATIN` unless given.
    formats : iterable of str, optional
        Names of `formats(...)`; all unless given.
    years : (int, int), optional
        First and last year of the calendar written, both included, inside `YEARS`; (1500, 2099), and (1300, 1420) for
        Jalali, unless given.
    target : {"gregorian", "jalali"}
        The calendar of `iso`.
    lower : bool
        Whether the texts are in lower case.

    Returns
    -------
    list of Example
        As many as asked for.

    Raises
    ------
    TypeError
        For a number that is no whole one, a string in place of a collection, a `lower` that is not True or False.
    ValueError
        For a bad size, name or range; the message says what was expected.
    """
    options = _options(calendar, locales, formats, target, lower)
    how_many, seed = whole_number("how_many", how_many, least=0), whole_number("seed", seed, least=0)
    return _draw(how_many, _days(years, calendar), np.random.default_rng(seed), **options)


def split(
    train: int,
    validation: int,
    test: int,
    seed: int,
    *,
    calendar: str = "gregorian",
    locales: Iterable[str] | None = None,
    formats: Iterable[str] | None = None,
    years: Sequence[int] | None = None,
    target: str = "gregorian",
    lower: bool = False,
) -> tuple[list[Example], list[Example], list[Example]]:
    """Return three lists of examples that have no calendar date in common.

    All dates of the years are shuffled and dealt out in proportion to the three numbers; each list is then drawn from
    its own dates. So a test date was never seen in training, in whatever form or language. (Splitting by text would let
    the test ask for "20 July 1969" after training on "July 20, 1969".)

    Parameters
    ----------
    train, validation, test : int
        How many examples each list gets, at least 1.
    seed, calendar, locales, formats, years, target, lower
        As for `examples`.

    Returns
    -------
    train, validation, test : list of Example
        As many as asked for.

    Raises
    ------
    TypeError, ValueError
        As `examples` does; and ValueError if the years have too few dates for each list to get one.
    """
    options = _options(calendar, locales, formats, target, lower)
    sizes = {"train": train, "validation": validation, "test": test}
    sizes = {name: whole_number(name, size, least=1) for name, size in sizes.items()}
    rng = np.random.default_rng(whole_number("seed", seed, least=0))
    days = rng.permutation(_days(years, calendar))
    cuts = (len(days) * np.cumsum(list(sizes.values())) / sum(sizes.values())).round().astype(int)
    pools = np.split(days, cuts[:2])
    if min(map(len, pools)) == 0:
        raise ValueError(f"{len(days)} dates are too few for lists of {list(sizes.values())}; allow more years.")
    return tuple(_draw(size, pool, rng, **options) for size, pool in zip(sizes.values(), pools))


def alphabet(rows: Iterable[Example]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the characters that occur in some examples.

    Parameters
    ----------
    rows : iterable of Example
        The examples.

    Returns
    -------
    written, iso : tuple of str
        The characters of the texts and those of the ISO dates, each sorted, none twice.
    """
    rows = list(rows)
    return tuple(sorted(set().union(*(r.text for r in rows)))), tuple(sorted(set().union(*(r.iso for r in rows))))
