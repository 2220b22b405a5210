"""Generated stand-in for the Divan of Hafez: half a couplet a line, a small Persian grammar, planted rhyme.

No line is copied from a poet, and none means anything. Planted: in a poem the second lines of all couplets, and the
first line of the first, end with the same refrain, as in a ghazal; letters and spelling are those of the normalised
original (no vowel signs, no non-joiner, no punctuation).
"""

from utils.datasets.standins.words import Writer, words

CHARACTERS = 100_000
"""The stand-in ends with the first poem that reaches this length; the real text is three times as long."""

_NOUNS = words("""
    باغ چشم شب دریا سنگ نامه پنجره باران ستاره آینه دست کوه چراغ خانه پرنده کوچه آب خاک سایه درخت برگ ابر ماه راه صدا
    جام خواب رود دانه کاغذ ساعت پیراهن
""")
_ADJECTIVES = words("روشن آرام دور سرد تازه کهنه سبز بلند خاموش ساده پنهان گرم شیرین تنها نرم")
_PLACES = words("در بر از با زیر کنار پیش سوی")
_VERBS = words("دید برد خواند شکست آورد گرفت شست نوشت پرسید ساخت گذاشت")
_OPENINGS = words("امشب، ای دوست، هر روز، گفتم، دوباره، اینجا، تا صبح، بی تو، کسی، باز", "، ")
REFRAINS = words("را ندیدم، ما نیست، می رود، پیدا شد، به من گفت، از یاد رفت، خواهد ماند، چه بود، باز آمد، تو را", "، ")
"""What the lines of one poem end with."""


class _Poet(Writer):
    """Poems of two to twelve couplets."""

    def phrase(self) -> str:
        noun = self.pick(_NOUNS)
        return f"{noun} {self.pick(_ADJECTIVES)}" if self.chance(0.45) else noun

    def half(self, refrain: str = "") -> str:
        """Return half a couplet, with the refrain at its end or with a verb."""
        parts = [self.pick(_OPENINGS)] if self.chance(0.4) else [self.phrase(), "و"] if self.chance(0.3) else []
        parts += [self.phrase(), self.pick(_PLACES), self.phrase()]
        return " ".join([*parts, refrain or self.pick(_VERBS)])

    def poem(self) -> list[str]:
        refrain = self.random.choice(REFRAINS)
        lines = [self.half(refrain), self.half(refrain)]
        for _ in range(self.random.randint(4, 11)):
            lines += [self.half(), self.half(refrain)]
        return lines


def hafez(seed: int = 0) -> str:
    """Return generated verse in the layout of the Divan, about `CHARACTERS` characters. Equal seeds give equal text."""
    poet, lines, length = _Poet(seed), [], 0
    while length < CHARACTERS:
        poem = poet.poem()
        lines += poem
        length += sum(map(len, poem)) + len(poem)
    return "\n".join(lines) + "\n"
