"""Generated stand-in for word vectors that cannot be had: same layout, with directions that mean something.

What belongs here: functions of a seed that return what the loader of word vectors returns, for the quick profile and
for readers without the file. What does not: reading, finding or downloading the real thing.

A vector is a sum: its topic, what it shares with the words of its pair (`king` and `queen` are one office), a multiple
of the direction of each of its attributes (gender, number, royalty, age, food, sentiment, grade, tense, capital,
nation), and noise of its own. So `king - man + woman` lies near `queen`, because both offices and both sexes cancel,
and the noise leaves some analogies wrong, as in real vectors. No corpus was counted: that two words are near each other
here says only which list they stand in.
"""

import functools
from collections.abc import Iterable

import numpy as np

from utils.datasets.standins.imdb import ADJECTIVES, NOUNS, VERBS, imdb_words


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(item.split("/")) for item in text.split())


_GENDER = _pairs("""
    man/woman king/queen uncle/aunt boy/girl prince/princess father/mother brother/sister son/daughter husband/wife
    actor/actress nephew/niece he/she his/her himself/herself grandfather/grandmother grandson/granddaughter
    waiter/waitress gentleman/lady duke/duchess emperor/empress host/hostess hero/heroine heir/heiress sir/madam
    groom/bride widower/widow monk/nun wizard/witch steward/stewardess landlord/landlady stepfather/stepmother
    male/female lad/lass
""")
# What is a man, a boy or a gentleman but for rank or years; whatever is not here is a person of its own kind.
_RANKS = {
    "king": ("man", {"royalty": 1}),
    "boy": ("man", {"age": -1}),
    "prince": ("man", {"royalty": 1, "age": -1}),
    "duke": ("gentleman", {"royalty": 1}),
    "emperor": ("emperor", {"royalty": 1}),
    "heir": ("heir", {"royalty": 1}),
}
_ROYALTY = _pairs("man/king woman/queen boy/prince girl/princess gentleman/duke lady/duchess")
_AGE = _pairs("man/boy woman/girl king/prince queen/princess adult/child cow/calf sheep/lamb cat/kitten dog/puppy")
_COUNTRIES = _pairs("""
    france/paris/french italy/rome/italian germany/berlin/german spain/madrid/spanish japan/tokyo/japanese
    russia/moscow/russian egypt/cairo/egyptian austria/vienna/austrian england/london/english greece/athens/greek
    portugal/lisbon/portuguese poland/warsaw/polish china/beijing/chinese iran/tehran/iranian turkey/ankara/turkish
    iraq/baghdad/iraqi sweden/stockholm/swedish norway/oslo/norwegian finland/helsinki/finnish
    denmark/copenhagen/danish ireland/dublin/irish hungary/budapest/hungarian cuba/havana/cuban peru/lima/peruvian
    chile/santiago/chilean kenya/nairobi/kenyan thailand/bangkok/thai vietnam/hanoi/vietnamese
    ukraine/kiev/ukrainian romania/bucharest/romanian bulgaria/sofia/bulgarian serbia/belgrade/serbian
    canada/ottawa/canadian australia/canberra/australian indonesia/jakarta/indonesian lebanon/beirut/lebanese
""")
_IRREGULAR = _pairs("""
    man/men woman/women child/children foot/feet tooth/teeth mouse/mice goose/geese wife/wives knife/knives life/lives
    wolf/wolves leaf/leaves loaf/loaves half/halves shelf/shelves thief/thieves person/people
""")
_FOODS = _list("""
    apple orange banana pear grape lemon cherry peach melon plum tomato potato onion carrot cabbage bean pea olive
    cake pie biscuit sandwich sausage egg pancake soup salad steak noodle pizza waffle
""")
_MASS_FOODS = _list(
    "bread butter cheese rice milk juice honey sugar salt pepper meat fish chocolate coffee tea wine beer"
)
_THINGS = _list("""
    car house room door window table chair bed lamp clock book letter paper pen bag box key ring watch phone
    computer machine engine wheel road street bridge tower castle palace church school hospital station airport
    hotel shop market bank office garden park field forest mountain hill river lake island beach ship boat train
    plane bus bicycle horse dog cat cow pig bird lion tiger bear elephant monkey rabbit snake shark frog tree flower
    rose stone star planet moon cloud storm wind flame shadow colour song dance picture painting statue camera film
    movie story scene actor actress king queen prince princess doctor teacher lawyer farmer soldier sailor painter
    singer writer judge nurse pilot engineer scientist student player coach team club league game match goal race
    prize medal crown throne sword gun bullet bomb tank uniform flag army battle war empire kingdom village town
    city country border law court crime prison lawsuit vote party leader minister president senator government
    company factory worker manager product price contract loan tax coin dollar euro number letter word sentence page
    chapter poem novel newspaper reporter question answer problem idea plan dream memory feeling secret promise
    mistake lesson test exam degree course network model signal message screen button file program robot laser atom
    cell gene virus drug bone heart brain hand arm leg finger eye ear nose mouth shoulder coat shirt shoe hat dress
    jacket button pocket glove mirror candle bottle cup plate spoon fork bowl basket ladder hammer nail rope chain
    brick wall roof floor stair corner circle square line point brother sister father mother son daughter uncle aunt
    husband boy girl neighbour friend guest stranger visitor queue ticket poster trailer sequel restaurant seat
    dinner detective waiter waitress spy dancer gardener boxer priest piano diary necklace suitcase photograph map
    harbour desert treasure
""")
_REGULAR_VERBS = _list("""
    walk talk play work look call ask need turn start help follow show open watch learn allow add talk wait cook
    jump laugh paint clean climb count cross cry dance earn enter explain fail fill finish fix float gather greet
    guess happen hunt invite join kick kiss knock land last lift listen live lock marry match mention miss mix move
    offer order pack park pass pick plant point pour pray pull push rain reach record rent repair report rest return
    rush sail save search settle shout sign smile sound stay study taste test touch train travel trust try use visit
    vote want warn wash wish wonder worry appear arrive believe borrow breathe bury carry change chase collect
    compare complain copy damage decide deliver describe discover divide doubt drop employ escape examine expect
    fear hope imagine improve include increase introduce judge measure notice obey paint perform phone prefer
    prepare prevent promise protect publish punish realise receive refuse remain remember remove repeat reply rescue
    reward ruin serve share shock slip solve spell suffer suggest support surprise suspect tempt thank threaten tire
    treat wander waste whisper
""")
_GRADED = """
    big/bigger/biggest small/smaller/smallest tall/taller/tallest short/shorter/shortest long/longer/longest
    old/older/oldest young/younger/youngest new/newer/newest high/higher/highest low/lower/lowest fast/faster/fastest
    slow/slower/slowest strong/stronger/strongest weak/weaker/weakest rich/richer/richest poor/poorer/poorest
    hot/hotter/hottest cold/colder/coldest warm/warmer/warmest cool/cooler/coolest dark/darker/darkest
    bright/brighter/brightest heavy/heavier/heaviest light/lighter/lightest deep/deeper/deepest wide/wider/widest
    narrow/narrower/narrowest thick/thicker/thickest thin/thinner/thinnest hard/harder/hardest soft/softer/softest
    loud/louder/loudest quiet/quieter/quietest clean/cleaner/cleanest dirty/dirtier/dirtiest easy/easier/easiest
    early/earlier/earliest late/later/latest near/nearer/nearest sharp/sharper/sharpest smooth/smoother/smoothest
    safe/safer/safest simple/simpler/simplest clear/clearer/clearest cheap/cheaper/cheapest good/better/best
    bad/worse/worst great/greater/greatest
"""
_FUNCTION_WORDS = _list("""
    the of and in a to is was that for it on as with by at from be this are an which not have has had or but were
    been they their its one two all there when who will would more no if out so up into about than them can only
    other time new some could these may then do did first any over such our most also after many before must through
    where much how because us three should each just those me my you your we i very what while even here both
    between being under never day again another however still without within against during every always often until
    although though since upon toward perhaps almost enough rather quite four five six seven eight nine ten hundred
    thousand million monday tuesday wednesday thursday friday saturday sunday january february march april june july
    august september october november december spring summer autumn winter north south east west red blue green
    yellow white black brown . , ! ? " ( ) - ' 's : ; $ %
""")


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh", "potato", "tomato", "hero")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ied"
    # A short vowel before one last letter: drop, dropped.
    doubled = verb in ("drop", "slip", "prefer", "regret", "travel")
    return f"{verb}{verb[-1] * doubled}ed"


def _ing(verb: str) -> str:
    return f"{verb[:-1]}ing" if verb.endswith("e") else f"{_past(verb)[:-2]}ing" if verb[-1] != "y" else f"{verb}ing"


# What each word is made of ----------------------------------------------------------------------------

# How far a word with the attribute lies from one without it; stems and topics have length 1.
_STRENGTHS = {
    "gender": 0.7,  # twice that between the sexes
    "royalty": 1.4,
    "number": 1.1,
    "age": 1.1,
    "food": 1.2,
    "sentiment": 1.1,
    "comparative": 1.2,
    "superlative": 1.2,
    "past": 1.2,
    "participle": 1.2,
    "third": 1.1,
    "capital": 1.3,
    "nation": 1.3,
}
_COMMON, _NOISE, _LENGTH = 0.6, (0.45, 1.0), 5.0


class _Lexicon:
    """Words in order, each with topic, stem and attributes; and the pairs that one attribute tells apart."""

    def __init__(self):
        self.parts: dict[str, tuple[str, str, dict[str, float]]] = {}
        self.relations: dict[str, list[tuple[str, str]]] = {}

    def put(self, word: str, topic: str, stem: str, **attributes: float) -> bool:
        """Add a word; return False if it is there already and is made of something else."""
        return self.parts.setdefault(word, (topic, stem, attributes)) == (topic, stem, attributes)

    def derive(self, word: str, base: str, relation: str, change: float = 1.0) -> None:
        """Add a word that differs from `base` in one attribute, and note the pair."""
        topic, stem, attributes = self.parts[base]
        changed = attributes | {relation: attributes.get(relation, 0) + change}
        if self.put(word, topic, stem, **changed):
            self.relations.setdefault(relation, []).append((base, word))


def _lexicon() -> _Lexicon:
    """Return the whole vocabulary, the most frequent words first, more or less."""
    words = _Lexicon()
    for word in _FUNCTION_WORDS:
        words.put(word, "function", word)
    for male, female in _GENDER:
        stem, attributes = _RANKS.get(male, (male, {}))
        words.put(male, "person", stem, gender=-1, **attributes)
        words.derive(female, male, "gender", 2)
    words.relations["royalty"] = list(_ROYALTY)
    for word in ("adult", "cow", "sheep", "cat", "dog"):
        words.put(word, "person" if word == "adult" else "animal", word)
    for old, young in _AGE:
        words.derive(young, old, "age", -1)
    _judgements(words)
    for food in (*_FOODS, *_MASS_FOODS):
        words.put(food, "food", food, food=1)
    for word in (*_THINGS, *(single for single, _ in _IRREGULAR)):
        words.put(word, "thing", word)
    for single, plural in (*_IRREGULAR, *((word, _plural(word)) for word in (*_FOODS, *_THINGS))):
        words.derive(plural, single, "number")
    for country, capital, nation in _COUNTRIES:
        words.put(country, "place", country)
        words.derive(capital, country, "capital")
        words.derive(nation, country, "nation")
    for verb in _REGULAR_VERBS:
        _conjugate(words, verb)
    for word in sorted(imdb_words()):
        words.put(word, "rest", word)
    for year in range(1950, 2015):
        words.put(str(year), "year", str(year))
    return words


def _judgements(words: _Lexicon) -> None:
    """Add adjectives and their grades, and the words that judge in the generated reviews."""
    for base, comparative, superlative in _pairs(_GRADED):
        side = next((side for side, some in ADJECTIVES.items() if base in some), 0)
        words.put(base, "quality", base, **({"sentiment": side} if side else {}))
        words.derive(comparative, base, "comparative")
        words.derive(superlative, base, "superlative")
    for side in (1, -1):
        for word in ADJECTIVES[side]:
            words.put(word, "quality", word, sentiment=side)
        for word in NOUNS[side]:
            words.put(word, "judgement", word, sentiment=side)
        for verb in VERBS[side]:
            _conjugate(words, verb.split("/")[0], sentiment=side)


def _conjugate(words: _Lexicon, verb: str, **attributes: float) -> None:
    if words.put(verb, "verb", verb, **attributes):
        words.derive(_past(verb), verb, "past")
        words.derive(_ing(verb), verb, "participle")
        words.derive(_plural(verb), verb, "third")


_LEXICON = _lexicon()
RELATIONS = {name: tuple(dict.fromkeys(pairs)) for name, pairs in _LEXICON.relations.items()}
"""Pairs of words that one planted attribute tells apart, by its name: {"gender": (("man", "woman"), ...), ...}."""
ANALOGIES = {
    name: tuple((*pairs[row], *pairs[(row + step) % len(pairs)]) for row in range(len(pairs)) for step in (1, 2, 3))
    for name, pairs in RELATIONS.items()
}
"""Planted analogies (a, b, c, d): a is to b as c is to d, so that `b - a + c` is to be nearest to d. By attribute."""


# Vectors ---------------------------------------------------------------------------------------------


def _units(rng: np.random.Generator, names: Iterable[str], dim: int) -> dict[str, np.ndarray]:
    """Return a random unit vector for each of the names."""
    names = list(dict.fromkeys(names))
    rows = rng.standard_normal((len(names), dim))
    return dict(zip(names, rows / np.linalg.norm(rows, axis=1, keepdims=True)))


@functools.lru_cache(maxsize=4)
def _table(dim: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, dim])
    # At right angles to each other, so that no attribute stands in for another.
    axes = np.linalg.qr(rng.standard_normal((dim, len(_STRENGTHS))))[0].T
    directions = {name: length * axis for (name, length), axis in zip(_STRENGTHS.items(), axes)}
    parts = _LEXICON.parts.values()
    topics = _units(rng, (topic for topic, _, _ in parts), dim)
    stems = _units(rng, (stem for _, stem, _ in parts), dim)
    table = np.stack(
        [
            topics[topic] + stems[stem] + sum(size * directions[name] for name, size in attributes.items())
            for topic, stem, attributes in parts
        ]
    )
    noise = rng.standard_normal(table.shape) / np.sqrt(dim)
    # Rare words are noisier, as in real vectors; all share one direction, as there.
    table += _COMMON * rng.standard_normal(dim) / np.sqrt(dim) + np.linspace(*_NOISE, len(table))[:, None] * noise
    table *= _LENGTH / np.linalg.norm(table, axis=1).mean()
    table = table.astype(np.float32)
    table.flags.writeable = False
    return table


def glove(dim: int = 50, wanted: Iterable[str] | None = None, seed: int = 0) -> tuple[tuple[str, ...], np.ndarray, int]:
    """Return generated word vectors: words, float32 vectors of shape (words, dim), and how many words there are in all.

    With `wanted` only those words that there are, in the same order. Every word of the generated reviews is there.
    The attributes of `RELATIONS` have directions at right angles to each other, so most of the `ANALOGIES` come out
    right, more of them in more dimensions. Equal seeds give equal vectors; vectors have a mean length of 5.
    """
    words, table = tuple(_LEXICON.parts), _table(dim, seed)
    if wanted is None:
        return words, table, len(words)
    wanted = frozenset(wanted)
    rows = [row for row, word in enumerate(words) if word in wanted]
    return tuple(words[row] for row in rows), table[rows], len(words)
