"""Generated stand-in for the novel: its layout and length, plausible statistics, planted structure.

Its sentences come from a small grammar with facts that a language model can find: word frequencies fall off roughly as
their rank (G. K. Zipf), a few phrases return again and again, and a verb agrees with its subject even across a clause
("the machine, which the men had mended, was ..."). It means nothing.
"""

import textwrap

from utils.datasets.standins.words import Writer, words

TIME_MACHINE_CHARACTERS = 178_979
"""Length of the real text; the stand-in ends with the first paragraph that reaches it."""

_NOUNS = tuple(
    pair.split("/")
    for pair in words("""
    machine/machines hand/hands hill/hills light/lights thing/things door/doors eye/eyes tree/trees lever/levers
    lamp/lamps star/stars hall/halls shadow/shadows creature/creatures well/wells match/matches wall/walls
    flower/flowers river/rivers stone/stones column/columns voice/voices gallery/galleries valley/valleys palace/palaces
    stair/stairs fire/fires window/windows garden/gardens ruin/ruins tower/towers question/questions sphinx/sphinxes
    cloud/clouds crystal/crystals pedestal/pedestals tunnel/tunnels passage/passages story/stories dial/dials
    century/centuries forest/forests maze/mazes meadow/meadows bush/bushes chimney/chimneys mechanism/mechanisms
    """)
)
_ADJECTIVES = words("""
    little great white dark strange old dim long silent cold bright grey soft heavy green broken pale narrow huge faint
    distant delicate sudden empty curious slender warm ruinous
""")
_DEEDS = words("""
    saw found left followed touched took lost remembered feared passed heard watched reached sought struck lit raised
    forgot crossed opened carried understood
""")
_WAYS = words(
    "slowly, suddenly, again, at once, for a moment, in silence, with an effort, very quietly, with joy", ", "
)
_PLACES = words("of in by beyond under above through near behind")
_PEOPLE = words(
    "the Time Traveller, Weena, the Psychologist, Filby, the Medical Man, the Editor, the Mayor, the Journalist", ", "
)
_STATES = words("gone lost silent still asleep afraid alone open near empty cold astonished")
_CHAPTERS = words("I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI")


class _Grammar(Writer):
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
