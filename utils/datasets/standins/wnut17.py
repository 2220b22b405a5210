"""Generated stand-in for WNUT 2017: sentences of a small grammar around names that could be anything.

What belongs here: functions of a seed that return what `load_wnut17` reads from files, for the quick profile, for
readers without the files, and for experiments that need to know where the answer stands. What does not: reading,
finding or downloading the real thing.

A name ("Jordan", "Victoria Stone") is drawn without regard to what it names, so that by itself it says nothing: what it
is, a person, a place, a firm, or no name at all ("Teddy bears are on sale"), is told by a clue. The clue stands on the
right of the name or on the left of it, never on both sides, and everything else in the sentence is neutral. The first
word of a clue is often shared by several types ("was a great president", "was founded by monks").
"""

from utils.datasets.standins.words import Writer, words

SIZES = {"train": 1_200, "dev": 300, "test": 300}
"""How many sentences each part has."""

FIRST = words("""
    Teddy Jordan Paris Lincoln Victoria Austin Houston Madison Chelsea Sydney Florence Phoenix Jackson Carolina Virginia
    Georgia Mercedes Ford Chase Boston Brooklyn Savannah Dakota Cheyenne
""")
SECOND = words("Roosevelt Stone Morgan King Hill Park Rivers Bell Cross Marsh Field Wood")
NOVEL = words("Kendall Raleigh Camden Orlando Sierra Lorraine Devon Kimberley Clyde Avalon Delta Lexington")
"""First words of names that occur in the development and test parts only."""

RIGHT = {
    "person": words(
        "was a great president, laughed at the joke, has married again, is asleep upstairs, wrote to his mother", ","
    ),
    "location": words(
        "was founded by monks, lies beside a river, has two million inhabitants, is colder than the coast, "
        "has no airport",
        ",",
    ),
    "group": words(
        "was booed by its fans, played three encores, has a new drummer, is on tour again, split up last summer", ","
    ),
    "creative-work": words(
        "was filmed in black and white, runs for three hours, has a sad last chapter, is dubbed into French, "
        "won best screenplay",
        ",",
    ),
    "product": words(
        "was out of stock, runs on two batteries, has a loose handle, is cheaper online, comes in three sizes", ","
    ),
    "corporation": words(
        "was fined by the court, sacked nine hundred workers, has hired a new manager, is up four percent, "
        "bought its rival",
        ",",
    ),
    "": words(
        "bears are on sale, cakes taste of lemon, shirts fade in the sun, socks itch terribly, posters cover the wall",
        ",",
    ),
}
"""What follows a name and tells its type; "" is no name."""

LEFT = {
    "person": words("my uncle, the late doctor, her husband, a nurse called, the orphan", ","),
    "location": words("the road to, a hotel near, the mayor of, the train from, the climate of", ","),
    "group": words("the drummer of, a concert by, the fan club of, the farewell tour of, the best song by", ","),
    "creative-work": words(
        "the last chapter of, the film version of, page ninety of, the heroine of, the sequel to", ","
    ),
    "product": words("a box of, the batteries of my, the instructions for, a refund for my, the spare parts of", ","),
    "corporation": words(
        "the shareholders of, the accountants of, a factory owned by, the chairman of, the bankruptcy of", ","
    ),
    "": words("the word, the spelling of, a rhyme for, the crossword clue, the pronunciation of", ","),
}
"""What leads to a name and tells its type; "" is no name."""

OPENINGS = words(
    'He said , " | She told us that | Yesterday | Well , | On the radio they say | I think | I hear that', "|"
)
NEUTRAL = words(
    "came up again, surprised everybody, was mentioned twice, is what we talked about, was on the news", ","
)
"""What follows a name and tells nothing."""
NAMELESS = words(
    """
    it rained all day, nobody came to the party, the soup was too salty, we missed the last bus, the cat is hiding, you
    forgot the milk
    """,
    ",",
)


def _sentence(writer: Writer, side: str, first: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return one sentence: words, tags."""
    draw = writer.random.choice
    opening = draw(OPENINGS).split()
    end = ["!", '"'] if '"' in opening else ["."]
    if not side:
        said = [*opening, *draw(NAMELESS).split(), *end]
        return said, ["O"] * len(said)
    kind = draw(tuple(RIGHT))
    name = [draw(first), *([draw(SECOND)] if writer.chance(0.4) else [])]
    before = [] if side == "right" else draw(LEFT[kind]).split()
    after = draw(RIGHT[kind] if side == "right" else NEUTRAL).split()
    tags = [f"B-{kind}", f"I-{kind}"][: len(name)] if kind else ["O"] * len(name)
    lead = [*opening, *before]
    return [*lead, *name, *after, *end], ["O"] * len(lead) + tags + ["O"] * len([*after, *end])


def sentences(
    seed: int = 0, how_many: int = 1_200, side: str | None = None, novel: float = 0.0
) -> list[tuple[list[str], list[str]]]:
    """Return generated sentences, each a list of words and a list of IOB tags. Equal arguments give equal sentences.

    Parameters
    ----------
    seed : int
        Of the generator.
    how_many : int
        Sentences; they are drawn one by one, so some may be equal.
    side : {None, "left", "right"}
        On which side of the name the clue stands. None mixes: two fifths each, and one fifth without any name.
    novel : float
        The share of names that begin with a word of `NOVEL`, not of `FIRST`.

    Raises
    ------
    ValueError
        For another `side`.
    """
    if side not in (None, "left", "right"):
        raise ValueError(f"side is {side!r}; expected 'left', 'right' or None.")
    writer, made = Writer(seed), []
    for _ in range(how_many):
        here = side or writer.random.choice(("left", "left", "right", "right", ""))
        made.append(_sentence(writer, here, NOVEL if writer.chance(novel) else FIRST))
    return made


def wnut17(seed: int = 0) -> dict[str, list[tuple[list[str], list[str]]]]:
    """Return generated sentences by part: "train", "dev", "test". In the last two a third of the names are novel."""
    return {
        split: sentences(3 * seed + number, size, novel=0.0 if split == "train" else 1 / 3)
        for number, (split, size) in enumerate(SIZES.items())
    }
