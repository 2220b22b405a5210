"""Pairs of words to judge vectors by: analogies of ten kinds with the questions that follow, and opposite judgements.

What belongs here: the lists and their questions. What does not: answering them (`utils.embeddings.analogy`). Used in
`06_word_embeddings`. No list was chosen by looking at vectors.
"""

from utils.arguments import whole_number

_PLACES = """paris france french, rome italy italian, berlin germany german, madrid spain spanish, tokyo japan japanese,
tehran iran iranian, moscow russia russian, cairo egypt egyptian, athens greece greek, beijing china chinese,
ankara turkey turkish, oslo norway norwegian, stockholm sweden swedish, vienna austria austrian, warsaw poland polish,
baghdad iraq iraqi, havana cuba cuban, lisbon portugal portuguese, dublin ireland irish, ottawa canada canadian,
lima peru peruvian, kabul afghanistan afghan, helsinki finland finnish, budapest hungary hungarian"""
_PEOPLE = """man woman, king queen, boy girl, brother sister, father mother, son daughter, husband wife, uncle aunt,
nephew niece, prince princess, actor actress, he she, grandfather grandmother, gentleman lady, waiter waitress,
hero heroine, groom bride, monk nun, duke duchess, emperor empress"""
_YOUNG = """dog puppy, cat kitten, cow calf, sheep lamb, horse foal, bear cub, goat kid, pig piglet, goose gosling,
deer fawn, hen chick, frog tadpole"""
_OPPOSITES = """possible impossible, happy unhappy, known unknown, able unable, likely unlikely, clear unclear,
certain uncertain, legal illegal, regular irregular, honest dishonest, fair unfair, lucky unlucky, perfect imperfect,
comfortable uncomfortable, pleasant unpleasant, expected unexpected"""
_GRADED = """good better best, bad worse worst, big bigger biggest, small smaller smallest, fast faster fastest,
slow slower slowest, strong stronger strongest, weak weaker weakest, high higher highest, low lower lowest,
old older oldest, young younger youngest, cheap cheaper cheapest, hot hotter hottest, cold colder coldest,
warm warmer warmest, easy easier easiest, hard harder hardest, long longer longest, short shorter shortest,
bright brighter brightest, dark darker darkest, rich richer richest, poor poorer poorest"""
_VERBS = """go went going, say said saying, take took taking, see saw seeing, come came coming, give gave giving,
find found finding, tell told telling, think thought thinking, write wrote writing, run ran running,
speak spoke speaking, buy bought buying, teach taught teaching, sing sang singing, walk walked walking,
play played playing, work worked working, move moved moving, call called calling, open opened opening,
look looked looking, help helped helping, wait waited waiting"""
_THINGS = """car cars, king kings, boy boys, house houses, dog dogs, city cities, country countries, tree trees,
child children, man men, woman women, mouse mice, foot feet, tooth teeth, bird birds, eye eyes, hand hands, book books,
student students, river rivers, church churches, apple apples, story stories, leaf leaves"""
_JUDGEMENTS = """good bad, best worst, great terrible, excellent awful, wonderful horrible, love hate, loved hated,
perfect poor, beautiful ugly, funny boring, brilliant stupid, happy sad, superb dreadful, interesting dull,
amazing pathetic, better worse, strong weak, fantastic disappointing, memorable forgettable, right wrong, fresh stale,
smart dumb, clever silly, success failure"""

_KINDS = {
    "country to adjective": (_PLACES, 1, 2),
    "capital to country": (_PLACES, 0, 1),
    "man to woman": (_PEOPLE, 0, 1),
    "good to better": (_GRADED, 0, 1),
    "car to cars": (_THINGS, 0, 1),
    "go to going": (_VERBS, 0, 2),
    "go to went": (_VERBS, 0, 1),
    "good to best": (_GRADED, 0, 2),
    "happy to unhappy": (_OPPOSITES, 0, 1),
    "dog to puppy": (_YOUNG, 0, 1),
}


def pairs(limit: int | None = None) -> dict[str, list[tuple[str, str]]]:
    """Return the pairs of words of each kind: meaning, grammar, opposites and young animals.

    Parameters
    ----------
    limit : int, optional
        The most pairs a kind.

    Returns
    -------
    dict of str to list of (str, str)
        Ten kinds, each named by its first pair or by what its pairs are.

    Raises
    ------
    TypeError
        If the limit is no whole number.
    ValueError
        If it is below 2: one pair gives no question.
    """
    limit = None if limit is None else whole_number("limit", limit, least=2)
    rows = {kind: [row.split() for row in text.split(",")][:limit] for kind, (text, _, _) in _KINDS.items()}
    return {kind: [(row[first], row[second]) for row in rows[kind]] for kind, (_, first, second) in _KINDS.items()}


def questions(vectors, some=None) -> dict[str, tuple[list[str], list[str], list[str], list[str]]]:
    """Return all questions "a is to b as c is to d" whose four words have a vector.

    From n pairs of one kind come n (n - 1) questions.

    Parameters
    ----------
    vectors : object
        With `words`, such as what `load_glove` returns.
    some : dict of str to list of (str, str), optional
        Pairs by kind; all of `pairs()` unless given.

    Returns
    -------
    dict of str to (list, list, list, list)
        By kind the words a, b, c and the right answers d. Kinds without a question are left out.
    """
    known = frozenset(vectors.words)
    asked = {}
    for kind, given in (pairs() if some is None else some).items():
        usable = [pair for pair in given if known.issuperset(pair)]
        rows = [(*first, *second) for first in usable for second in usable if first[0] != second[0]]
        if rows:
            asked[kind] = tuple(map(list, zip(*rows, strict=True)))
    return asked


def judgements() -> list[tuple[str, str]]:
    """Return two dozen pairs of opposite judgements, the praise first: (good, bad), (best, worst) and so on."""
    rows = [row.split() for row in _JUDGEMENTS.split(",")]
    return [(praise, scorn) for praise, scorn in rows]
