"""Generated stand-ins for sentence pairs: English, with French or Persian, made by one small grammar.

What belongs here: functions of a seed that return what `load_translation_pairs` reads from a file, for the quick
profile and for readers without the file. What does not: reading, finding or downloading the real thing.

A sentence is drawn as a meaning (who, verb, what, one or many, denied or asked) and then written in each language by
its rules. There is something to translate beyond words: French adjectives stand after the noun and agree with it in
gender and number, verbs agree with their subject, articles and pronouns lose a vowel before another; the Persian verb
comes last, a definite object is marked by a word of its own, and adjectives follow the noun. And one sentence may have
several translations, as in the real files: English "you" is two words in both languages, "they" has two genders in
French, and Persian leaves pronouns out. The words are real, the sentences are nobody's.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

SENTENCES = 1_600
"""How many different English sentences there are; with several translations for some, there are more pairs."""

ZWNJ = "\u200c"
NARROW_SPACE = "\u202f"
"""What French typography, and the real file, put before a question mark."""


@dataclass(frozen=True)
class Noun:
    """One thing: English, French with its gender ("m" or "f") and plural, Persian."""

    english: str
    french: str
    gender: str
    french_plural: str
    persian: str


@dataclass(frozen=True)
class Verb:
    """One deed, present tense: English with its third person; six French persons; Persian prefix word and stem."""

    english: str
    third: str
    french: tuple[str, ...]
    persian: str
    before: str = ""


def _nouns(text: str) -> tuple[Noun, ...]:
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple(Noun(e, f, g, f + "s" if p == "s" else p, persian) for e, f, g, p, persian in rows)


NOUNS = _nouns("""
    book livre m s کتاب
    house maison f s خانه
    car voiture f s ماشین
    apple pomme f s سیب
    tree arbre m s درخت
    door porte f s در
    dog chien m s سگ
    letter lettre f s نامه
    bird oiseau m oiseaux پرنده
    table table f s میز
    picture photo f s عکس
    garden jardin m s باغ
    key clé f s کلید
    flower fleur f s گل
    ship bateau m bateaux کشتی
    church église f s کلیسا
""")
ADJECTIVES = tuple(
    tuple(line.split())
    for line in """
    red rouge rouge قرمز
    green vert verte سبز
    white blanc blanche سفید
    black noir noire سیاه
    blue bleu bleue آبی
    clean propre propre تمیز
    heavy lourd lourde سنگین
    expensive cher chère گران
    empty vide vide خالی
    broken cassé cassée شکسته
    """.strip().splitlines()
)
"""English, French masculine and feminine, Persian."""

VERBS = (
    Verb("see", "sees", ("vois", "vois", "voit", "voyons", "voyez", "voient"), "بین"),
    Verb("buy", "buys", ("achète", "achètes", "achète", "achetons", "achetez", "achètent"), "خر"),
    Verb("want", "wants", ("veux", "veux", "veut", "voulons", "voulez", "veulent"), "خواه"),
    Verb("find", "finds", ("trouve", "trouves", "trouve", "trouvons", "trouvez", "trouvent"), "کن", "پیدا"),
    Verb("sell", "sells", ("vends", "vends", "vend", "vendons", "vendez", "vendent"), "فروش"),
    Verb("draw", "draws", ("dessine", "dessines", "dessine", "dessinons", "dessinez", "dessinent"), "کش"),
    Verb(
        "look for",
        "looks for",
        ("cherche", "cherches", "cherche", "cherchons", "cherchez", "cherchent"),
        "گرد",
        "دنبال",
    ),
    Verb("know", "knows", ("connais", "connais", "connaît", "connaissons", "connaissez", "connaissent"), "شناس"),
)
_ENDINGS = ("م", "ی", "د", "یم", "ید", "ند")

# English, whether it takes the third person's s, and (person from 0, word) in French and in Persian, one for each
# translation; a Persian word that is left out says no less, since the verb's ending tells the person.
SUBJECTS = (
    ("I", False, ((0, "je"),), ((0, "من"), (0, ""))),
    ("you", False, ((1, "tu"), (4, "vous")), ((1, "تو"), (4, "شما"))),
    ("he", True, ((2, "il"),), ((2, "او"),)),
    ("she", True, ((2, "elle"),), ((2, "او"),)),
    ("we", False, ((3, "nous"),), ((3, "ما"), (3, ""))),
    ("they", False, ((5, "ils"), (5, "elles")), ((5, "آنها"),)),
    ("Tom", True, ((2, "Tom"),), ((2, "تام"),)),
    ("Mary", True, ((2, "Marie"),), ((2, "مری"),)),
)


@dataclass(frozen=True)
class _Thing:
    """What a sentence speaks of: a noun, perhaps an adjective, how many, and whether one knows which."""

    noun: Noun
    adjective: tuple[str, ...] | None
    plural: bool
    definite: bool


def _elide(word: str, after: str) -> str:
    """Return `word` and what comes after it; je, ne, le, la lose their vowel before a vowel."""
    if word in ("je", "ne", "le", "la") and after[0] in "aàâeéèêiîoôuh":
        return f"{word[:-1]}'{after}"
    return f"{word} {after}"


def _english_thing(thing: _Thing) -> str:
    noun = thing.noun.english + ("es" if thing.noun.english.endswith("ch") else "s") * thing.plural
    phrase = f"{thing.adjective[0]} {noun}" if thing.adjective else noun
    if thing.definite:
        return f"the {phrase}"
    return phrase if thing.plural else f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _french_adjective(adjective: tuple[str, ...], thing: _Thing) -> str:
    return adjective[1 if thing.noun.gender == "m" else 2] + "s" * thing.plural


def _french_thing(thing: _Thing) -> str:
    phrase = thing.noun.french_plural if thing.plural else thing.noun.french
    if thing.adjective:
        phrase += f" {_french_adjective(thing.adjective, thing)}"
    if thing.plural:
        return f"{'les' if thing.definite else 'des'} {phrase}"
    masculine = thing.noun.gender == "m"
    if thing.definite:
        return _elide("le" if masculine else "la", phrase)
    return f"{'un' if masculine else 'une'} {phrase}"


def _persian_thing(thing: _Thing) -> str:
    noun = thing.noun.persian
    if thing.plural:
        # After a letter that never joins on, the plural needs no mark to stand apart; the linking vowel is written ی.
        noun += ("" if noun[-1] in "ادرزو" else ZWNJ) + ("های" if thing.adjective else "ها")
    if thing.adjective:
        noun += f" {thing.adjective[3]}"
    return noun if thing.definite or thing.plural else f"یک {noun}"


def _persian_verb(verb: Verb, person: int, denied: bool) -> str:
    form = f"{'نمی' if denied else 'می'}{ZWNJ}{verb.persian}{_ENDINGS[person]}"
    return f"{verb.before} {form}".strip()


def _deed(subject, verb: Verb, thing: _Thing, denied: bool) -> tuple[str, list[str], list[str]]:
    """Return somebody's deed in English, and its translations into French and Persian."""
    who, third, french, persian = subject
    if denied:
        english = f"{who} {'does' if third else 'do'} not {verb.english} {_english_thing(thing)}."
    else:
        english = f"{who} {verb.third if third else verb.english} {_english_thing(thing)}."
    in_french, in_persian = [], []
    for person, word in french:
        said = verb.french[person]
        if denied:
            said = f"{_elide('ne', said)} pas"
        in_french.append(f"{_elide(word, said)} {_french_thing(thing)}.")
    for person, word in persian:
        what = _persian_thing(thing)
        if verb.before == "دنبال":  # a preposition, not an object: it links and takes no mark
            said = f"دنبال {what} {_persian_verb(Verb('', '', (), verb.persian), person, denied)}"
        else:
            said = f"{what}{' را' if thing.definite else ''} {_persian_verb(verb, person, denied)}"
        in_persian.append(f"{word} {said}.".strip())
    return english, in_french, in_persian


def _question(verb: Verb, thing: _Thing) -> tuple[str, list[str], list[str]]:
    """Return a question to you, who are one or many, a friend or not."""
    english = f"do you {verb.english} {_english_thing(thing)}?"
    french = [
        f"{verb.french[person]}-{word} {_french_thing(thing)}{NARROW_SPACE}?"
        for person, word in ((1, "tu"), (4, "vous"))
    ]
    persian = [text.rstrip(".") + "؟" for text in _deed(SUBJECTS[1], verb, thing, denied=False)[2]]
    return english, french, [text.split(" ", 1)[1] for text in persian]


def _state(thing: _Thing, adjective: tuple[str, ...], denied: bool) -> tuple[str, list[str], list[str]]:
    """Return what things are like: here the adjective agrees across the verb."""
    english = f"{_english_thing(thing)} {'are' if thing.plural else 'is'}{' not' if denied else ''} {adjective[0]}."
    verb = "sont" if thing.plural else "est"
    said = f"{_elide('ne', verb)} pas" if denied else verb
    french = f"{_french_thing(thing)} {said} {_french_adjective(adjective, thing)}."
    ends = ("نیستند" if denied else "هستند") if thing.plural else ("نیست" if denied else "است")
    return english, [french], [f"{_persian_thing(thing)} {adjective[3]} {ends}."]


def _draw(rng: random.Random) -> tuple[str, list[str], list[str]]:
    """Draw one meaning and write it."""
    thing = _Thing(
        rng.choice(NOUNS),
        rng.choice(ADJECTIVES) if rng.random() < 0.5 else None,
        rng.random() < 0.35,
        rng.random() < 0.6,
    )
    kind = rng.random()
    if kind < 0.2:
        thing = _Thing(thing.noun, None, thing.plural, True)
        return _state(thing, rng.choice(ADJECTIVES), rng.random() < 0.25)
    if kind < 0.3:
        return _question(rng.choice(VERBS), thing)
    denied = rng.random() < 0.2
    if denied:  # "pas un" would have to be "pas de"
        thing = _Thing(thing.noun, thing.adjective, thing.plural, True)
    return _deed(rng.choice(SUBJECTS), rng.choice(VERBS), thing, denied)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _pairs(seed: int, how_many: int, choose: Callable) -> list[tuple[str, str]]:
    """Return the pairs of `how_many` different English sentences, the short ones first, as in the real files."""
    rng, found = random.Random(seed), {}
    while len(found) < how_many:
        meaning = _draw(rng)
        found.setdefault(_capital(meaning[0]), [_capital(text) for text in choose(meaning)])
    ordered = sorted(found, key=lambda text: (len(text), text))
    return [(text, other) for text in ordered for other in found[text]]


def fra(seed: int = 0, how_many: int = SENTENCES) -> list[tuple[str, str]]:
    """Return generated (English, French) pairs of `how_many` English sentences. Equal seeds give equal pairs."""
    return _pairs(seed, how_many, lambda meaning: meaning[1])


def pes(seed: int = 0, how_many: int = SENTENCES) -> list[tuple[str, str]]:
    """Return generated (English, Persian) pairs of `how_many` English sentences. Equal seeds give equal pairs."""
    return _pairs(seed, how_many, lambda meaning: meaning[2])
