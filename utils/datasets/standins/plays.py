"""Generated stand-in for Tiny Shakespeare: its layout, plausible statistics, planted structure. It means nothing.

Planted: a reply takes up what it replies to. It names the speaker before and the thing that was asked after, so a model
that remembers the cue finds the reply more probable than one that got another cue.
"""

from utils.datasets.standins.words import Writer, words

CHARACTERS = 200_000
"""The stand-in ends with the first scene that reaches this length; the real text is five times as long."""

CAST = words(
    "AMBROSE, BEATA, First Guard, CORVIN, DELPHINE, EDGARD, Second Guard, FLORIAN, GISELDA, HUBERTUS, Messenger, All",
    ", ",
)
_THINGS = words("""
    lantern crown letter sword ring horse gate candle garden ladder mirror bell cup banner key map coat fiddle boat oven
    feather glove ribbon saddle drum
""")
_PLACES = words(
    "by the river, in the tower, beneath the stair, at the mill, behind the wall, on the hill, among the reeds, in my "
    "hand, upon the table, beyond the bridge",
    ", ",
)
_MANNERS = words("good old gentle foolish noble weary honest brave pale merry")
_VERBS = words("keep seek fear love lose find sell hide carry mend")
_LINES = (
    "The night is {adjective}, and the {thing} is cold;",
    "No man may {verb} the {thing} and sleep.",
    "I had one {adjective} {thing}, and now have none.",
    "What we {verb} today we shall not {verb2} tomorrow.",
    "So let the {thing} lie {place}.",
    "Who would {verb} what he can {verb2} for nothing?",
)


class _Stage(Writer):
    """Scenes of the play."""

    def line(self) -> str:
        return self.pick(_LINES).format(
            adjective=self.pick(_MANNERS), thing=self.pick(_THINGS), place=self.pick(_PLACES), verb=self.pick(_VERBS),
            verb2=self.pick(_VERBS),
        )  # fmt: skip

    def speech(self, who: str, opening: str) -> str:
        return "\n".join([f"{who}:", opening, *(self.line() for _ in range(self.random.choice((0, 0, 1, 2))))])

    def scene(self) -> str:
        """Return an exchange: a question, then replies that name the speaker before and the thing asked after."""
        who, thing = self.pick(CAST), self.random.choice(_THINGS)
        parts = [self.speech(who, f"Where is the {thing}, I pray you? Who did {self.pick(_VERBS)} it?")]
        for _ in range(self.random.randint(1, 4)):
            before, who = who, self.pick([name for name in CAST if name != who])
            reply = f"{self.pick(('The', 'Your', 'That'))} {thing}, {self.pick(_MANNERS)} {before.title()}, is"
            parts.append(self.speech(who, f"{reply} {self.pick(_PLACES)}."))
        return "\n\n".join(parts)


def shakespeare(seed: int = 0) -> str:
    """Return a generated play in the layout of Tiny Shakespeare, about `CHARACTERS` characters of ASCII.

    Equal seeds give equal text.
    """
    stage, scenes, length = _Stage(seed), [], 0
    while length < CHARACTERS:
        scenes.append(stage.scene())
        length += len(scenes[-1]) + 2
    return "\n\n".join(scenes) + "\n"
