"""Written dates: one meaning each, the same for a seed, and no date in two splits.

How a language writes its dates is Babel's to know, and it changes: releases of the CLDR rename months. So no test here
takes a right answer from it. Exact texts are asked for under names and patterns that the test plants (`planted`); the
rest holds whatever Babel says.
"""

import datetime
import hashlib
import re
import subprocess
import sys
from collections import defaultdict
from itertools import chain
from types import SimpleNamespace

import jdatetime
import numpy as np
import pytest
from babel.dates import format_date

from utils import dates
from utils.dates import ambiguous, readings, write

MOON = datetime.date(1969, 7, 20)
FORMS = [(name, locale, "gregorian") for locale in dates.LOCALES for name in dates.formats(locale)]
FORMS_JALALI = [(name, "fa", "jalali") for name in dates.formats("fa", "jalali")]
FORMS += FORMS_JALALI


def days_of(*years):
    for year in years:
        day = datetime.date(year, 1, 1)
        while day.year == year:
            yield day
            day += datetime.timedelta(days=1)


def nowruz(year):
    """1 Farvardin by K. Borkowski (1996), "The Persian calendar for 3000 years", with his table of leap-year breaks."""
    breaks = (-61, 9, 38, 199, 426, 686, 756, 818, 1111, 1181, 1210, 1635)
    leap, previous = -14, breaks[0]
    for edge in breaks[1:]:
        jump = edge - previous
        if year < edge:
            break
        leap, previous = leap + jump // 33 * 8 + jump % 33 // 4, edge
    n = year - previous
    leap += n // 33 * 8 + (n % 33 + 3) // 4 + (jump % 33 == 4 and jump - n == 4)
    gregorian = year + 621
    return datetime.date(gregorian, 3, 20 + leap - (gregorian // 4 - (gregorian // 100 + 1) * 3 // 4 - 150))


NAMES = {
    "en months": "January February March April May June July August September October November December",
    "fr months": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es months": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fa months": "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر",
    "jalali": "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند",
    "en days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "fr days": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es days": "lunes martes miércoles jueves viernes sábado domingo",
    "fa days": "دوشنبه سه‌شنبه چهارشنبه پنجشنبه جمعه شنبه یکشنبه",
}
NAMES = {what: names.split() for what, names in NAMES.items()}
# locale: pattern of medium, long, full, with the weekday, in numbers
PATTERNS = {
    "en_US": ("MMM d, y", "MMMM d, y", "EEEE, MMMM d, y", "EEE, MMM d, y", "M/d/y"),
    "en_GB": ("d MMM y", "d MMMM y", "EEEE, d MMMM y", "EEE, d MMM y", "d/M/y"),
    "fr": ("d MMM y", "d MMMM y", "EEEE d MMMM y", "EEE d MMM y", "dd/MM/y"),
    "es": ("d MMM y", "d 'de' MMMM 'de' y", "EEEE, d 'de' MMMM 'de' y", "EEE, d MMM y", "d-M-y"),
    "fa": ("d MMM y", "d LLLL y", "cccc d LLLL y", "EEE d MMM y", "y/M/d"),
}
CACHED = (dates._patterns, dates._table, dates._parts, dates._reader)


@pytest.fixture
def planted(monkeypatch):
    """Put patterns and names of five languages, typed in above, in the place of what Babel and jdatetime know."""
    named = ("medium", "long", "full")

    def locale_of(name):
        return SimpleNamespace(
            datetime_skeletons={
                "yMd": SimpleNamespace(pattern=PATTERNS[name][4]),
                "yMMMEd": SimpleNamespace(pattern=PATTERNS[name][3]),
            }
        )

    def name_of(day, field, locale):
        is_day = field[0] in "Ec"
        whole = NAMES[f"{locale[:2]} {'days' if is_day else 'months'}"][day.weekday() if is_day else day.month - 1]
        return whole if len(field) == 4 or locale == "fa" else whole[: 4 if locale == "fr" else 3]  # juin, juil

    monkeypatch.setattr(dates, "LATIN", ("en_US", "en_GB", "fr", "es"))
    monkeypatch.setattr(dates, "LOCALES", tuple(PATTERNS))
    monkeypatch.setattr(dates, "Locale", SimpleNamespace(parse=locale_of))
    monkeypatch.setattr(
        dates, "get_date_format", lambda name, locale: SimpleNamespace(pattern=PATTERNS[locale][named.index(name)])
    )
    monkeypatch.setattr(dates, "format_date", name_of)
    monkeypatch.setattr(jdatetime.date, "j_months_fa", NAMES["jalali"])
    for function in CACHED:
        function.cache_clear()
    yield [(name, locale, "gregorian") for locale in PATTERNS for name in dates.formats(locale)] + FORMS_JALALI
    for function in CACHED:
        function.cache_clear()


@pytest.mark.parametrize(
    ("day", "name", "locale", "calendar", "text"),
    [
        (MOON, "ordinal", "en_US", "gregorian", "July 20th 1969"),
        (MOON, "ordinal comma", "en_US", "gregorian", "July 20th, 1969"),
        (MOON, "short ordinal", "en_US", "gregorian", "Jul 20th 1969"),
        (MOON, "ordinal of", "en_GB", "gregorian", "20th of July 1969"),
        (datetime.date(1564, 4, 23), "comma", "en_GB", "gregorian", "23 April, 1564"),
        (MOON, "full", "en_US", "gregorian", "Sunday, July 20, 1969"),
        (MOON, "weekday", "en_US", "gregorian", "Sun, Jul 20, 1969"),
        (MOON, "padded", "en_US", "gregorian", "07/20/1969"),
        (MOON, "numeric", "en_US", "gregorian", "7/20/1969"),
        (MOON, "numeric", "en_GB", "gregorian", "20/7/1969"),
        (MOON, "padded", "es", "gregorian", "20-07-1969"),
        (MOON, "year first", "es", "gregorian", "1969/07/20"),
        (MOON, "long", "es", "gregorian", "20 de julio de 1969"),
        (datetime.date(1789, 7, 14), "full", "fr", "gregorian", "mardi 14 juillet 1789"),
        (datetime.date(1900, 5, 1), "ordinal", "fr", "gregorian", "1er mai 1900"),
        (MOON, "long", "fa", "gregorian", "۲۰ ژوئیه ۱۹۶۹"),
        (MOON, "full", "fa", "gregorian", "یکشنبه ۲۰ ژوئیه ۱۹۶۹"),
        (MOON, "long", "fa", "jalali", "۲۹ تیر ۱۳۴۸"),
        (MOON, "padded", "fa", "jalali", "۱۳۴۸/۰۴/۲۹"),
        (MOON, "ordinal", "fa", "jalali", "بیست و نهم تیر ۱۳۴۸"),
        (MOON, "month", "fa", "jalali", "۲۹ تیر ماه ۱۳۴۸"),
        (datetime.date(1979, 2, 11), "full", "fa", "jalali", "یکشنبه ۲۲ بهمن ۱۳۵۷"),
    ],
)
def test_dates_are_written_as_the_patterns_say(planted, day, name, locale, calendar, text):
    assert write(day, name, locale, calendar=calendar) == text
    assert write(day, name, locale, calendar=calendar, lower=True) == text.lower()
    assert readings(text) == readings(text.upper()) == {day}
    assert not ambiguous(text)


def test_a_pattern_twice_is_one_format(planted):
    assert "padded" not in dates.formats("fr") and "padded" in dates.formats("en_GB")
    assert dates.formats("es") == ("medium", "long", "full", "weekday", "numeric", "padded", "year first")


def test_a_field_that_nobody_knows_is_named(planted, monkeypatch):
    """It would else be copied into the text, letter by letter."""
    monkeypatch.setitem(PATTERNS, "fr", ("d MMM y G", *PATTERNS["fr"][1:]))
    dates._patterns.cache_clear()
    with pytest.raises(ValueError, match=r"the pattern 'd MMM y G' of 'fr' has a field .* not know: '   G'"):
        write(MOON, "medium", "fr")


@pytest.mark.parametrize("locale", dates.LOCALES)
@pytest.mark.parametrize("name", ["medium", "long", "full"])
def test_the_fast_writer_writes_what_babel_writes(name, locale):
    to_ascii = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
    for day in days_of(1999, 2000):
        assert write(day, name, locale).translate(to_ascii) == format_date(day, name, locale)


def test_english_ordinals():
    endings = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    for day in range(1, 32):
        assert f" {day}{endings.get(day, 'th')} " in write(datetime.date(2000, 1, day), "ordinal", "en_US")


def test_the_jalali_calendar_agrees_with_an_independent_computation():
    for year in range(*dates.YEARS["jalali"]):
        first = nowruz(year)
        assert write(first, "padded", "fa", calendar="jalali").endswith("/۰۱/۰۱")
        assert readings(f"{year}/01/01") == {first}
        is_leap = (nowruz(year + 1) - first).days == 366
        assert bool(readings(f"{year}/12/30")) == is_leap


def test_new_year_keeps_its_calendar_year():
    for year in range(2000, 2030):  # around New Year the ISO week's year is another one
        for day in (datetime.date(year, 1, 1), datetime.date(year, 12, 31)):
            for name, locale, calendar in FORMS:
                if calendar == "gregorian" and locale != "fa":
                    assert str(year) in write(day, name, locale)


def test_the_last_day_of_a_year_is_drawn_in_its_year(planted):
    drawn = dates.examples(2000, 3, years=(2018, 2018), formats=("full",), locales=("en_US",))
    assert {e.iso for e in drawn if e.text == "Monday, December 31, 2018"} == {"2018-12-31"}
    assert {e.text for e in drawn if e.iso == "2018-12-31"} == {"Monday, December 31, 2018"}


@pytest.mark.parametrize("lower", [False, True])
def test_no_drawn_text_has_two_meanings(planted, lower):
    # Every text of every form over a leap year and a common one, which is all there is: years enter only as digits.
    meanings = defaultdict(set)
    left_out = set()
    for day in days_of(1999, 2000):
        for name, locale, calendar in planted:
            text = write(day, name, locale, calendar=calendar, lower=lower)
            meanings[text].add(day)
            if re.fullmatch(r"\d+[/-]\d+[/-]\d{4}", text) and day.day <= 12 and day.day != day.month:
                left_out.add(text)
    assert {text for text, days in meanings.items() if len(days) > 1} == {text for text in left_out if "/" in text}
    assert left_out >= {"03/04/1999", "3/4/1999", "03-04-1999", "3-4-1999"}
    for text, days in list(meanings.items())[:: 1 if lower else 3]:
        found = readings(text)
        assert found >= days
        assert (len(found) > 1) == (text in left_out), text


def test_drawn_examples_mean_one_date_and_say_which():
    for calendar, locales in (("gregorian", dates.LOCALES), ("jalali", None)):
        rows = dates.examples(4000, 5, calendar=calendar, locales=locales)
        assert len(rows) == 4000
        assert {(r.format, r.locale, calendar) for r in rows} == {form for form in FORMS if form[2] == calendar}
        for row in rows:
            assert readings(row.text) == {datetime.date.fromisoformat(row.iso)}, row
            assert not ambiguous(row.text)
            day = datetime.date.fromisoformat(row.iso)
            assert row.text == write(day, row.format, row.locale, calendar=calendar)


def test_forms_and_years_are_drawn_evenly():
    rows = dates.examples(40_000, 1, locales=("en_US", "fr"), formats=("long", "full"))
    share = np.unique([f"{r.locale} {r.format}" for r in rows], return_counts=True)[1] / len(rows)
    assert np.allclose(share, 1 / 4, atol=0.01)
    centuries, counts = np.unique([r.iso[:2] for r in rows], return_counts=True)
    assert centuries.tolist() == ["15", "16", "17", "18", "19", "20"]
    assert np.allclose(counts / len(rows), 1 / 6, atol=0.01)


def test_swappable_numbers_are_drawn_only_without_doubt(planted):
    rows = dates.examples(3000, 2, locales=("en_US", "en_GB", "es"), formats=("numeric", "padded"))
    for row in rows:
        _, month, day = map(int, row.iso.split("-"))
        assert day > 12 or day == month
    assert {r.locale for r in rows} == {"en_US", "en_GB", "es"}


def test_jalali_targets():
    gregorian, jalali = (dates.examples(500, 9, calendar="jalali", target=t) for t in ("gregorian", "jalali"))
    for first, second in zip(gregorian, jalali):
        assert first.text == second.text
        year, month, day = map(int, second.iso.split("-"))
        passed = 31 * (month - 1) - max(month - 7, 0) + day - 1  # six months of 31 days, then of 30
        assert first.iso == (nowruz(year) + datetime.timedelta(days=passed)).isoformat()
        assert first.iso.isascii() and second.iso.isascii()
        assert not set("0123456789") & set(first.text)
        assert 1300 <= int(second.iso[:4]) <= 1420


def test_lower_case():
    rows = dates.examples(2000, 4, lower=True)
    assert all(r.text == r.text.lower() for r in rows)
    assert [r.text for r in rows] == [r.text.lower() for r in dates.examples(2000, 4)]


def fingerprint(rows):
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_equal_seeds_give_equal_lists_even_in_another_process():
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    first = dates.examples(300, 7), dates.split(50, 20, 20, 7, calendar="jalali")
    assert (dates.examples(300, 7), dates.split(50, 20, 20, 7, calendar="jalali")) == first
    assert dates.examples(300, 8) != first[0]
    code = "from utils import dates; import hashlib; "
    code += "rows = dates.examples(300, 7), dates.split(50, 20, 20, 7, calendar='jalali'); "
    code += "print(hashlib.sha256(repr(rows).encode()).hexdigest())"
    for salt in ("1", "2"):
        env = {"PYTHONHASHSEED": salt, "PATH": "", "PYTHONPATH": str(dates.__file__).rsplit("utils", 1)[0]}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
        assert run.stdout.strip() == fingerprint(first)


@pytest.mark.parametrize("calendar", ["gregorian", "jalali"])
@pytest.mark.parametrize("years", [None, (1401, 1404)])
def test_no_date_is_in_two_splits(calendar, years):
    if calendar == "gregorian" and years:
        years = (1968, 1970)
    sizes = (6000, 500, 700)
    parts = dates.split(*sizes, 11, calendar=calendar, years=years, locales=("fa",))
    assert tuple(map(len, parts)) == sizes
    train, validation, test = ({readings(r.text) for r in part} for part in parts)
    assert not (train & validation or train & test or validation & test)
    train, validation, test = ({r.iso for r in part} for part in parts)
    assert not (train & validation or train & test or validation & test)
    if years:  # few dates, many draws: nearly all of them are seen, in the proportion asked for
        share = np.array([len(train), len(validation), len(test)]) / sum(map(len, (train, validation, test)))
        assert np.allclose(share, np.array(sizes) / sum(sizes), atol=0.02)


def test_ambiguous_lists_what_can_be_read_twice(planted):
    doubtful = ["03/04/1998", "3/4/1998", "03-04-1998", "20 July 69", "7/20/69", "July 20th 69", "04.03.98", "۴۸/۰۴/۲۹"]
    clear = [
        "20/07/1969",
        "07/20/1969",
        "04/04/1998",
        "3.4.1998",
        "1998/04/03",
        "1998-04-03",
        "۱۳۴۸/۰۴/۲۹",
        "1er mai 1900",
    ]
    assert all(map(ambiguous, doubtful)) and not any(map(ambiguous, clear))
    assert readings("03/04/1998") == {datetime.date(1998, 4, 3), datetime.date(1998, 3, 4)}
    assert {datetime.date(1969, 7, 20), datetime.date(2069, 7, 20)} <= readings("20 July 69")
    assert (
        readings("Sunday, July 21, 1969") == readings("30 February 2000") == readings("29 February 1900") == frozenset()
    )
    assert readings("hello") == readings("") == readings("1/2") == readings("3/4/0500") == frozenset()
    with pytest.raises(ValueError, match="is no date in any format"):
        ambiguous("next Friday")
    for question in (readings, ambiguous):
        with pytest.raises(TypeError, match="expected a string"):
            question(19690720)


def test_the_alphabet_holds_every_character_once():
    rows = dates.examples(300, 0)
    written, iso = dates.alphabet(iter(rows))
    assert set(written) == set(chain.from_iterable(r.text for r in rows))
    assert iso == tuple("-0123456789")
    assert list(written) == sorted(set(written))
    assert dates.alphabet([]) == ((), ())


def test_nothing_asked_for_is_nothing_given():
    assert dates.examples(0, 0) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"how_many": -1}, ValueError, "how_many is -1; expected a whole number"),
        ({"how_many": 2.5}, TypeError, "how_many is 2.5"),
        ({"seed": None}, TypeError, "seed is None; expected a whole number"),
        ({"seed": True}, TypeError, "seed is True"),
        ({"calendar": "julian"}, ValueError, "calendar is 'julian'; expected one of 'gregorian', 'jalali'"),
        ({"target": "iso"}, ValueError, "target is 'iso'; expected one of"),
        ({"locales": ("xx",)}, ValueError, "locale is 'xx'; expected one of 'en_US'"),
        ({"locales": "fr"}, TypeError, "write \\('fr',\\)"),
        ({"locales": ()}, ValueError, "locales is empty"),
        ({"locales": ("en_US",), "calendar": "jalali"}, ValueError, "locale is 'en_US'; expected one of 'fa'"),
        ({"formats": ("short",)}, ValueError, "formats is \\['short'\\]; expected some of"),
        ({"formats": ()}, ValueError, "expected some of"),
        ({"years": (1400, 1500)}, ValueError, "gregorian years from 1500 to 2999"),
        ({"years": (2000, 1990)}, ValueError, "expected \\(first, last\\)"),
        ({"years": 1999}, TypeError, "expected \\(first, last\\), two whole numbers"),
        ({"years": (1999.0, 2000)}, TypeError, "expected \\(first, last\\), two whole numbers"),
        ({"years": (1999, 2000), "calendar": "jalali"}, ValueError, "jalali years from 1200 to 1499"),
        ({"lower": 1}, TypeError, "lower is 1; expected True or False"),
    ],
)
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        dates.examples(**{"how_many": 5, "seed": 0, **arguments})


def test_bad_days_and_sizes_are_refused():
    with pytest.raises(TypeError, match=r"expected a datetime\.date"):
        write("1969-07-20", "long")
    with pytest.raises(ValueError, match="format is 'short'"):
        write(MOON, "short")
    with pytest.raises(ValueError, match="is in gregorian year 1066"):
        write(datetime.date(1066, 10, 14), "long")
    with pytest.raises(ValueError, match="train is 0"):
        dates.split(0, 1, 1, 0)
    with pytest.raises(ValueError, match="365 dates are too few"):
        dates.split(10_000, 1, 1, 0, years=(1999, 1999))


@pytest.mark.parametrize("draw", [lambda seed: dates.examples(5, seed), lambda seed: dates.split(5, 5, 5, seed)])
def test_a_seed_is_0_or_more(draw):
    assert draw(0) == draw(np.int64(0)) != draw(1)
    with pytest.raises(ValueError, match="seed is -1; expected a whole number, 0 or more"):
        draw(-1)


@pytest.mark.parametrize("calendar", ["gregorian", "jalali"])
def test_the_first_and_the_last_day_of_the_years_are_drawn_and_no_other_year(calendar):
    low, high = dates.YEARS[calendar]
    for year in (low, high):
        rows = dates.examples(8000, 6, calendar=calendar, target=calendar, years=(year, year))
        assert {row.iso[:4] for row in rows} == {str(year)}
        assert {f"{year}-01-01", f"{year}-12-29"} <= {row.iso for row in rows}
        last = "12-31" if calendar == "gregorian" else "12-30"
        leap = calendar == "jalali" and len({row.iso for row in rows}) == 366
        assert (f"{year}-{last}" in {row.iso for row in rows}) == (calendar == "gregorian" or leap)
    for years in ((low - 1, high), (low, high + 1)):
        with pytest.raises(ValueError, match=f"{calendar} years from {low} to {high}"):
            dates.examples(1, 0, calendar=calendar, years=years)


def test_the_ends_of_the_calendars_can_be_written_and_read():
    for first, last, name, locale, calendar in (
        (datetime.date(1500, 1, 1), datetime.date(2999, 12, 31), "year first", "en_GB", "gregorian"),
        (nowruz(1200), nowruz(1500) - datetime.timedelta(days=1), "padded", "fa", "jalali"),
    ):
        for day, outside in ((first, first - datetime.timedelta(days=1)), (last, last + datetime.timedelta(days=1))):
            assert readings(write(day, name, locale, calendar=calendar)) == {day}
            with pytest.raises(ValueError, match=f"is in {calendar} year"):
                write(outside, name, locale, calendar=calendar)


def test_two_digits_of_a_year_are_read_in_two_centuries_and_in_both_calendars():
    assert readings("25.12.07") == {
        *(datetime.date(century, month, day) for century in (1900 + 7, 2000 + 7) for month, day in [(12, 25)]),
        *(datetime.date(2000 + 25, 12, 7), datetime.date(1925, 12, 7)),
        *(jdatetime.date(year, 12, 7).togregorian() for year in (1325, 1425)),
        *(jdatetime.date(year, 12, 25).togregorian() for year in (1307, 1407)),
    }


@pytest.mark.parametrize(
    "text", ["99.99.1999", "0/1/1999", "1/0/1999", "1999/13/01", "32 July 1969", "1/2/199", "1/2/3456"]
)
def test_a_day_that_no_calendar_has_is_no_reading(text):
    assert readings(text) == frozenset()
