"""Generated stand-ins for texts that cannot be had: same layout, plausible statistics, planted structure.

What belongs here: functions of a seed that return what a loader of text returns, for the quick profile and for readers
without the file. What does not: reading, finding or downloading the real thing, and weather (`standins`).

`timemachine` stands in for the novel. Its sentences come from a small grammar with facts that a language model can
find: word frequencies fall off roughly as their rank (G. K. Zipf), a few phrases return again and again, and a verb
agrees with its subject even across a clause ("the machine, which the men had mended, was ..."). It means nothing.

`imdb` stands in for the film reviews. Each is written to its label: more sentences about the film say so than say the
contrary, without exception. But a good part of them says it by denying the contrary ("hardly a dull moment"), and
other sentences use the same words of something else (a storm in the plot, the seats). Counting words gets most reviews
right and reading them in order gets all. `imdb_words` lists all words that can occur.
"""

import functools
import itertools
import random
import re
import textwrap
from collections.abc import Sequence

TIME_MACHINE_CHARACTERS = 178_979
"""Length of the real text; the stand-in ends with the first paragraph that reaches it."""


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    """Return the words of a list written as one text, the most frequent first."""
    return tuple(" ".join(part.split()) for part in text.split(between))


_NOUNS = tuple(
    pair.split("/")
    for pair in _words("""
    machine/machines hand/hands hill/hills light/lights thing/things door/doors eye/eyes tree/trees lever/levers
    lamp/lamps star/stars hall/halls shadow/shadows creature/creatures well/wells match/matches wall/walls
    flower/flowers river/rivers stone/stones column/columns voice/voices gallery/galleries valley/valleys palace/palaces
    stair/stairs fire/fires window/windows garden/gardens ruin/ruins tower/towers question/questions sphinx/sphinxes
    cloud/clouds crystal/crystals pedestal/pedestals tunnel/tunnels passage/passages story/stories dial/dials
    century/centuries forest/forests maze/mazes meadow/meadows bush/bushes chimney/chimneys mechanism/mechanisms
    """)
)
_ADJECTIVES = _words("""
    little great white dark strange old dim long silent cold bright grey soft heavy green broken pale narrow huge faint
    distant delicate sudden empty curious slender warm ruinous
""")
_DEEDS = _words("""
    saw found left followed touched took lost remembered feared passed heard watched reached sought struck lit raised
    forgot crossed opened carried understood
""")
_WAYS = _words(
    "slowly, suddenly, again, at once, for a moment, in silence, with an effort, very quietly, with joy", ", "
)
_PLACES = _words("of in by beyond under above through near behind")
_PEOPLE = _words(
    "the Time Traveller, Weena, the Psychologist, Filby, the Medical Man, the Editor, the Mayor, the Journalist", ", "
)
_STATES = _words("gone lost silent still asleep afraid alone open near empty cold astonished")
_CHAPTERS = _words("I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI")


@functools.cache
def _running_weights(size: int) -> list[float]:
    return list(itertools.accumulate(1 / rank for rank in range(1, size + 1)))


class _Writer:
    """A seeded generator; every choice prefers what stands early in its list, as 1 / rank."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def pick(self, items: Sequence):
        return self.random.choices(items, cum_weights=_running_weights(len(items)))[0]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability


class _Grammar(_Writer):
    """Sentences of the novel."""

    def noun_phrase(self, depth: int = 0) -> tuple[str, bool]:
        """Return a phrase and whether it is plural."""
        plural = self.chance(0.3)
        words = ["the" if plural or self.chance(0.75) else "a"]
        if self.chance(0.35):
            words.append(self.pick(_ADJECTIVES))
        if words == ["a"]:
            words = ["that"]
        elif words[0] == "a" and words[1][0] in "aeiou":
            words[0] = "an"
        words.append(self.pick(_NOUNS)[plural])
        if depth < 2 and self.chance(0.35):
            words += [self.pick(_PLACES), self.noun_phrase(depth + 1)[0]]
        return " ".join(words), plural

    def subject(self) -> tuple[str, bool]:
        """Return a subject and whether its verb is plural; now and then with a clause of the other number inside."""
        kind = self.random.random()
        if kind < 0.35:
            return "I", False
        if kind < 0.55:
            return self.pick(_PEOPLE), False
        phrase, plural = self.noun_phrase(depth=1)
        if self.chance(0.3):
            other, _ = self.noun_phrase(depth=2)
            phrase += f", which {other} had {self.pick(('hidden', 'covered', 'held', 'darkened'))},"
        return phrase, plural

    def clause(self) -> str:
        who, plural = self.subject()
        kind = self.random.random()
        if kind < 0.35:
            rest = f"{'were' if plural else 'was'} {self.pick(_STATES)}"
        elif kind < 0.85:
            rest = f"{self.pick(_DEEDS)} {self.noun_phrase()[0]}"
        else:
            rest = f"{self.pick(('went', 'came', 'fell', 'turned'))} {self.pick(_PLACES[1:])} {self.noun_phrase(1)[0]}"
        return f"{who} {rest}" + (f" {self.pick(_WAYS)}" if self.chance(0.15) else "")

    def sentence(self) -> str:
        text = self.clause()
        if self.chance(0.3):
            text += f"{self.pick((', and', ', but', ', for'))} {self.clause()}"
        text = text[0].upper() + text[1:]
        if self.chance(0.12):
            return f"'{text},' said {self.pick(_PEOPLE)}."
        return text + self.random.choices(".!", [9, 1])[0]

    def paragraph(self) -> str:
        text = " ".join(self.sentence() for _ in range(self.random.randint(2, 8)))
        return textwrap.fill(text, width=68)


def timemachine(seed: int = 0) -> str:
    """Return generated text in the layout of The Time Machine: a title, numbered chapters, wrapped paragraphs.

    About `TIME_MACHINE_CHARACTERS` characters, printable ASCII and line feeds. Equal seeds give equal text.
    """
    grammar = _Grammar(seed)
    parts, length, chapters = ["Not The Time Machine: generated text that stands in for it\n\n\n"], 0, 0
    while length < TIME_MACHINE_CHARACTERS:
        if length >= chapters * TIME_MACHINE_CHARACTERS / len(_CHAPTERS):
            chapters += 1
            parts.append(f"\n\n{_CHAPTERS[chapters - 1]}\n\n")
        parts.append(grammar.paragraph() + "\n")
        length = sum(map(len, parts)) + len(parts)
    return "\n".join(parts)


# Reviews ---------------------------------------------------------------------------------------------

IMDB_REVIEWS = 2_000
"""How many generated reviews there are to train, and again to test; half of each are negative."""

# By polarity, -1 and +1; what stands in one place of one list does not have to be the contrary of the other.
ADJECTIVES = {
    -1: _words("""
    bad boring terrible dull stupid poor awful predictable horrible weak silly slow lame ridiculous annoying tedious
    flat painful clumsy cheap empty ugly lazy forgettable bland confused wooden shallow tiresome pointless dreary stale
    muddled lifeless irritating hollow
    """),
    1: _words("""
    good great wonderful funny brilliant beautiful excellent clever moving perfect charming lovely superb enjoyable
    memorable touching gripping honest fresh powerful witty stunning delightful fascinating warm elegant amusing subtle
    convincing rich lively inspired refreshing graceful impressive thrilling
    """),
}
"""Words that judge, the most frequent first, by polarity."""
NOUNS = {
    -1: _words("mess disaster bore failure disappointment waste mistake nightmare flop insult"),
    1: _words("masterpiece gem delight triumph pleasure treasure joy success wonder classic"),
}
VERBS = {
    -1: _words("hate/hated regret/regretted dislike/disliked despise/despised loathe/loathed"),
    1: _words("love/loved enjoy/enjoyed admire/admired recommend/recommended adore/adored"),
}
# "They are" would need another verb, so all parts are singular.
PARTS = _words("""
    film movie story acting plot script ending cast music direction dialogue picture photography humour pace editing
    performance screenplay opening sound
""")
"""What a judgement has to be about to count: the film and its parts."""
OTHERS = _words("""
    book trailer popcorn poster weather hotel dinner coffee traffic seat sequel novel advertisement queue restaurant
""")
"""What is not the film: judgements of it do not count."""

# {x}, {xn}, {xv} and {xed} are an adjective, noun and verb that judge, {y} one that judges to the contrary; {a x} has
# "a" or "an" before it.
_PLAIN = _words(
    """
    The {part} is {very}{x}. | The {part} is {x} and {x}. | I {xed} the {part}. | It is {a xn}. | The {part} was {x}
    from start to finish. | What {a x} {part}! | I found it {very}{x}. | This is {a x} film with {a x} {part}. | I
    {xed} every minute of it. | All in all {a xn}. | The {part} is as {x} as they say. | The {part} alone makes it
    {a x} experience.
    """,
    "|",
)
_DENIED = _words(
    """
    The {part} is not {x}. | The {part} is never {x}. | There is hardly {a x} moment in it. | I did not {xv} the
    {part}. | It is not {a xn}. | Nobody could call the {part} {x}. | Nothing about the {part} is {x}. | This is no
    {xn}. | I did not find it {very}{x}. | The {part} is far from {x}. | It is {a y} film, without a single {x}
    scene. | I never {xed} a minute of it. | The {part} is not {x}, and the {part} is never {x}.
    """,
    "|",
)
_TURNED = _words(
    """
    I expected {a yn} and got {a xn}. | The {part} looks {y} at first but turns out {x}. | They promised {a yn}; it
    is {a xn}. | The {part} may sound {y}, but it is {x}. | Some call it {y}; to me it is {x}. | Everyone said the
    {part} was {y}, and it is {x}.
    """,
    "|",
)
_ELSEWHERE = _words(
    """
    The {other} was {very}{x}. | The {other} is {x}, but that is another matter. | {actor} was {x} in another role.
    | We had {a x} {other} that evening. | My {friend} had {a x} day. | I {xed} the {other}. | The {other} was {a
    xn}. | The {other} was not {x}. | My {friend} did not {xv} the {other}. | Nobody would call the {other} {x}.
    """,
    "|",
)
_PLOT = _words(
    """
    {actor} plays {a role} from {place}. | {actor} is the {role}, {actor} the {role}. | The {role} finds {a x}
    {thing} in {place}. | {a role} and {a role} travel to {place}. | After {a x} night the {role} loses the {thing}.
    | It begins with {a x} storm in {place}. | The {role} hides the {thing} from the {role}. | One morning {a x}
    {role} arrives in {place}. | Then the {role} meets {a role} and everything changes. | It was made in {place} by
    {actor}. | I saw it with my {friend} last {day}. | It runs for about two hours. | The {role} steals {a x}
    {thing} and leaves for {place}.
    """,
    "|",
)
_PLOT_DENIED = _words(
    """
    The {role} does not know the {role}. | Nobody believes the {role}. | The {role} never finds the {thing}. | There
    is hardly any light in {place}. | Nothing happens in {place} until the {role} arrives. | The {role} has no
    {thing} and lives far from {place}. | The {role} leaves without the {thing}. | The {role} is not {a x} {role}.
    """,
    "|",
)
_SLOTS = {
    "part": PARTS,
    "other": OTHERS,
    "very": ("", "", "very ", "really ", "so ", "quite ", "simply "),
    "role": _words("""
    doctor detective teacher soldier thief king queen painter pilot lawyer widow farmer sailor singer boxer priest
    prince princess nurse actor actress uncle aunt waiter waitress spy dancer writer judge gardener
    """),
    "thing": _words("""
    letter ring gun map painting car house diary key treasure photograph crown horse boat suitcase apple orange cake
    watch ticket dog necklace camera piano
    """),
    "place": _words(
        """
    London, Paris, New York, Rome, Berlin, Tokyo, Madrid, Vienna, Moscow, Cairo, a small village, the mountains, the
    desert, an old castle, the city, the country, the woods, a harbour
    """,
        ",",
    ),
    "friend": _words("friend brother sister mother father wife husband son daughter neighbour boss"),
    "day": _words("Friday Saturday Sunday week summer winter Monday night"),
}
_FORENAMES = _words("""
    Anna James Maria John Helen Peter Laura David Emma Thomas Alice Robert Clara Henry Ruth Martin Julia Frank Nora
    Simon
""")
_SURNAMES = _words("""
    Bell Carter Stone Novak Lopez Reed Moore Hart Lang Fischer Wood Rossi Grant Tanaka Blake Keller Marsh Doyle
    Vance Shaw
""")
_CAST = tuple(f"{first} {last}" for first, last in zip(_FORENAMES, _SURNAMES))
_SLOT = re.compile(r"{(a )?(\w+)}")


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[0].lower() in 'aeiou' else 'a'} {phrase}"


class _Critic(_Writer):
    """Sentences of reviews."""

    def word(self, slot: str, polarity: int) -> str:
        """Return what fills a slot; those of `x` have the polarity, those of `y` the contrary."""
        if slot in _SLOTS:
            return self.pick(_SLOTS[slot])
        if slot == "actor":
            return self.pick(_CAST)
        side = polarity if slot[0] == "x" else -polarity
        if slot[1:] == "n":
            return self.pick(NOUNS[side])
        if slot[1:]:
            return self.pick(VERBS[side]).split("/")[slot[1:] == "ed"]
        return self.pick(ADJECTIVES[side])

    def sentence(self, patterns: Sequence[str], polarity: int) -> str:
        def fill(match: re.Match) -> str:
            word = self.word(match[2], polarity)
            return _with_article(word) if match[1] else word

        text = _SLOT.sub(fill, self.random.choice(patterns))
        return text[0].upper() + text[1:]

    def review(self, label: int) -> str:
        """Return a review of polarity `label`, -1 or 1: of its judgements at least two more say so than do not."""
        length = min(max(self.random.lognormvariate(4.75, 0.6), 30), 370)
        # Most critics are direct, a few deny what they do not mean; these a count of words gets wrong.
        understated = self.chance(0.1)
        denials = 0.8 if understated else 0.1
        lead, words, sentences = 0, 0, []
        while words < length or lead < 2:
            if (lead < 2 and words >= length) or self.chance(0.5):
                says = -label if lead > 2 and self.chance(0.2) else label
                lead += says * label
                patterns, polarity = self.judgement(denials, says)
            elif self.chance(0.3):
                patterns, polarity = _ELSEWHERE, self.random.choice((-1, 1))
            else:
                # Without these, a count of "not" and "never" would tell one kind of critic from the other.
                denied = self.chance(0.1 if understated else 0.8)
                patterns, polarity = (_PLOT_DENIED if denied else _PLOT), self.random.choice((-1, 1))
            sentences.append(self.sentence(patterns, polarity))
            words += sentences[-1].count(" ") + 1
        return self.paragraphs(sentences)

    def judgement(self, denials: float, says: int) -> tuple[tuple[str, ...], int]:
        """Return patterns, and the polarity of their words, of a sentence that says -1 or 1 of the film."""
        if self.chance(0.15):
            return _TURNED, says
        return (_DENIED, -says) if self.chance(denials) else (_PLAIN, says)

    def paragraphs(self, sentences: list[str]) -> str:
        """Return the sentences as one text, with the real reviews' marks for an empty line here and there."""
        text = sentences[0]
        for number, sentence in enumerate(sentences[1:], start=1):
            text += ("<br /><br />" if number > 2 and self.chance(0.1) else " ") + sentence
        return text


def imdb(seed: int = 0, how_many: int = IMDB_REVIEWS) -> dict[str, str]:
    """Return generated reviews by path, such as "train/neg/00000.txt": `how_many` to train and as many to test.

    Half of each are negative. 30 to 400 words, with capitals, punctuation and `<br />` marks. No label is wrong: of the
    sentences about the film (`PARTS`) at least two more judge it as the label says than otherwise. Equal seeds give
    equal reviews.
    """
    critic = _Critic(seed)
    return {
        f"{split}/{name}/{number:05d}.txt": critic.review(label)
        for split in ("test", "train")
        for name, label in (("neg", -1), ("pos", 1))
        for number in range(how_many // 2)
    }


def imdb_words() -> frozenset[str]:
    """Return all words that reviews of any seed can hold, in lower case, and "br" of the marks."""
    patterns = (*_PLAIN, *_DENIED, *_TURNED, *_ELSEWHERE, *_PLOT, *_PLOT_DENIED)
    texts = [_SLOT.sub(" ", pattern) for pattern in patterns] + [*_CAST, "a an br"]
    for lists in (_SLOTS, ADJECTIVES, NOUNS, VERBS):
        texts += [word for words in lists.values() for word in words]
    return frozenset(re.findall("[a-z]+", " ".join(texts).lower()))
