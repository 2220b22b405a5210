"""Generated stand-in for the film reviews: their layout, plausible statistics, planted structure.

Each is written to its label: more sentences about the film say so than say the contrary, without exception. But a good
part of them says it by denying the contrary ("hardly a dull moment"), and other sentences use the same words of
something else (a storm in the plot, the seats). Counting words gets most reviews right and reading them in order gets
all. `imdb_words` lists all words that can occur.
"""

import re
from collections.abc import Sequence

from utils.datasets.standins.words import Writer, words

IMDB_REVIEWS = 2_000
"""How many generated reviews there are to train, and again to test; half of each are negative."""

# By polarity, -1 and +1; what stands in one place of one list does not have to be the contrary of the other.
ADJECTIVES = {
    -1: words("""
    bad boring terrible dull stupid poor awful predictable horrible weak silly slow lame ridiculous annoying tedious
    flat painful clumsy cheap empty ugly lazy forgettable bland confused wooden shallow tiresome pointless dreary stale
    muddled lifeless irritating hollow
    """),
    1: words("""
    good great wonderful funny brilliant beautiful excellent clever moving perfect charming lovely superb enjoyable
    memorable touching gripping honest fresh powerful witty stunning delightful fascinating warm elegant amusing subtle
    convincing rich lively inspired refreshing graceful impressive thrilling
    """),
}
"""Words that judge, the most frequent first, by polarity."""
NOUNS = {
    -1: words("mess disaster bore failure disappointment waste mistake nightmare flop insult"),
    1: words("masterpiece gem delight triumph pleasure treasure joy success wonder classic"),
}
VERBS = {
    -1: words("hate/hated regret/regretted dislike/disliked despise/despised loathe/loathed"),
    1: words("love/loved enjoy/enjoyed admire/admired recommend/recommended adore/adored"),
}
# "They are" would need another verb, so all parts are singular.
PARTS = words("""
    film movie story acting plot script ending cast music direction dialogue picture photography humour pace editing
    performance screenplay opening sound
""")
"""What a judgement has to be about to count: the film and its parts."""
OTHERS = words("""
    book trailer popcorn poster weather hotel dinner coffee traffic seat sequel novel advertisement queue restaurant
""")
"""What is not the film: judgements of it do not count."""

# {x}, {xn}, {xv} and {xed} are an adjective, noun and verb that judge, {y} one that judges to the contrary; {a x} has
# "a" or "an" before it.
_PLAIN = words(
    """
    The {part} is {very}{x}. | The {part} is {x} and {x}. | I {xed} the {part}. | It is {a xn}. | The {part} was {x}
    from start to finish. | What {a x} {part}! | I found it {very}{x}. | This is {a x} film with {a x} {part}. | I
    {xed} every minute of it. | All in all {a xn}. | The {part} is as {x} as they say. | The {part} alone makes it
    {a x} experience.
    """,
    "|",
)
_DENIED = words(
    """
    The {part} is not {x}. | The {part} is never {x}. | There is hardly {a x} moment in it. | I did not {xv} the
    {part}. | It is not {a xn}. | Nobody could call the {part} {x}. | Nothing about the {part} is {x}. | This is no
    {xn}. | I did not find it {very}{x}. | The {part} is far from {x}. | It is {a y} film, without a single {x}
    scene. | I never {xed} a minute of it. | The {part} is not {x}, and the {part} is never {x}.
    """,
    "|",
)
_TURNED = words(
    """
    I expected {a yn} and got {a xn}. | The {part} looks {y} at first but turns out {x}. | They promised {a yn}; it
    is {a xn}. | The {part} may sound {y}, but it is {x}. | Some call it {y}; to me it is {x}. | Everyone said the
    {part} was {y}, and it is {x}.
    """,
    "|",
)
_ELSEWHERE = words(
    """
    The {other} was {very}{x}. | The {other} is {x}, but that is another matter. | {actor} was {x} in another role.
    | We had {a x} {other} that evening. | My {friend} had {a x} day. | I {xed} the {other}. | The {other} was {a
    xn}. | The {other} was not {x}. | My {friend} did not {xv} the {other}. | Nobody would call the {other} {x}.
    """,
    "|",
)
_PLOT = words(
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
_PLOT_DENIED = words(
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
    "role": words("""
    doctor detective teacher soldier thief king queen painter pilot lawyer widow farmer sailor singer boxer priest
    prince princess nurse actor actress uncle aunt waiter waitress spy dancer writer judge gardener
    """),
    "thing": words("""
    letter ring gun map painting car house diary key treasure photograph crown horse boat suitcase apple orange cake
    watch ticket dog necklace camera piano
    """),
    "place": words(
        """
    London, Paris, New York, Rome, Berlin, Tokyo, Madrid, Vienna, Moscow, Cairo, a small village, the mountains, the
    desert, an old castle, the city, the country, the woods, a harbour
    """,
        ",",
    ),
    "friend": words("friend brother sister mother father wife husband son daughter neighbour boss"),
    "day": words("Friday Saturday Sunday week summer winter Monday night"),
}
_FORENAMES = words("""
    Anna James Maria John Helen Peter Laura David Emma Thomas Alice Robert Clara Henry Ruth Martin Julia Frank Nora
    Simon
""")
_SURNAMES = words("""
    Bell Carter Stone Novak Lopez Reed Moore Hart Lang Fischer Wood Rossi Grant Tanaka Blake Keller Marsh Doyle
    Vance Shaw
""")
_CAST = tuple(f"{first} {last}" for first, last in zip(_FORENAMES, _SURNAMES))
_SLOT = re.compile(r"{(a )?(\w+)}")


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[0].lower() in 'aeiou' else 'a'} {phrase}"


class _Critic(Writer):
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
