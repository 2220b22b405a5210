"""Pictures that two notebooks share, and the look of all of them.

What belongs here: the course's Matplotlib style, and a plot once a second notebook draws it. Every function draws into
given or current axes and returns them; none calls `plt.show()`.
"""

import matplotlib as mpl
from cycler import cycler

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Colours that the colour-blind tell apart (Okabe and Ito, 2008), the darker ones first for grey printing."""

LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
"""Line styles that go with COLOURS, one to one, so that a grey print still tells the lines apart."""


def use_course_style() -> None:
    """Set Matplotlib's defaults for the course: 7 by 3 inches, no box, `COLOURS` and `LINES` in step."""
    mpl.rcParams.update(
        {
            "figure.figsize": (7, 3),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "axes.titlelocation": "left",
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
            "legend.frameon": False,
            "image.cmap": "cividis",
        }
    )
