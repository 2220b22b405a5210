"""Drawings of the course's architectures, with the part that is being taught highlighted.

What belongs here: a picture that explains how something is wired, drawn by code with Matplotlib. What does not: plots
of data or of results, which stand in a notebook or in `utils.plots`.

Every function returns a `Drawing`, which as the last expression of a cell shows itself, with a text alternative:

>>> drawings.lstm_cell(highlight="forget")

The card behind a drawing is opaque and light in every theme. No ink could do without it: the grey that stands out
equally from white and from a dark page (#111) reaches a contrast of 4.3 on both, less than the 4.5 that text needs.

Units: a tenth of an inch from the lower left corner, so that a length here is a length in the notebook.
"""

import functools
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from utils import plots
from utils.arguments import finite_number, whole_number

BLUE, RED, GREEN, PURPLE, BROWN = "#0068A3", "#B84A00", "#007353", "#A03B7A", "#7A5200"
"""Inks of the parts: Okabe and Ito's hues, darkened until text in them, and white text on them, is easy to read."""

CARD, EDGE, INK, GREY, PALE = "#FFFFFF", "#C9C9C9", "#333333", "#606060", "#ADADAD"
"""The card, its edge, and what is not coloured: ink of neutral parts; text and lines of what is not being taught."""

CONTINUED = None
"""Marks a row of formulas as the second line of the row before."""

WEB_DPI, DRAWN_DPI = 100, 200
"""Pixels an inch on the page, and twice as many in the file, so that a drawing is sharp on fine screens."""


class Drawing:
    """A finished drawing that shows itself in a notebook, with its text alternative.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The drawing, unknown to pyplot: no later `plt.show()` shows it a second time.
    alt : str
        What the drawing says, for a reader who cannot see it.
    """

    def __init__(self, figure: Figure, alt: str):
        self.figure, self.alt = figure, alt

    @functools.cached_property
    def png(self) -> bytes:
        """Render the picture, 200 pixels an inch, whatever style a notebook has set."""
        file = io.BytesIO()
        with matplotlib.style.context("default"):
            self.figure.savefig(file, format="png", dpi=DRAWN_DPI, transparent=True, metadata={"Software": None})
        return file.getvalue()

    def __repr__(self) -> str:
        """Return what a terminal shows."""
        return f"Drawing({self.alt!r})"

    def _ipython_display_(self) -> None:
        """Show the picture in a notebook, and its words to those who do not see it."""
        plots.send(self.png, self.alt, width=round(self.figure.get_figwidth() * WEB_DPI))


# ------------------------------------------------------------------------------------------------- the pencil and paper


@dataclass(frozen=True)
class _Look:
    """How a part is drawn: lines, the fill of boxes and what is written on it, and text on the bare card."""

    line: str
    fill: str
    on_fill: str
    text: str
    width: float
    zorder: float
    bold: bool = False


def _tint(colour: str, share: float = 0.12) -> str:
    """Return `colour` thinned with white, for the fill of a box."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return mpl.colors.to_hex(1 - share * (1 - rgb))


class _Sketch:
    """A card to draw on; each mark names its part, and the part that is highlighted decides how the mark looks."""

    def __init__(self, width: float, height: float, colours: Mapping[str, str], highlight: str | None):
        if highlight is not None and highlight not in colours:
            choices = ", ".join(map(repr, colours))
            raise ValueError(f"highlight is {highlight!r}; expected None or one of {choices}.")
        self.colours, self.highlight = colours, highlight
        self.figure = Figure(figsize=(width / 10, height / 10))
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.axis("off")
        self._rounded(0.2, 0.2, width - 0.4, height - 0.4, CARD, EDGE, 1, radius=1.2, zorder=0)

    def look(self, part: str | Sequence[str] | None) -> _Look:
        """Return how to draw a part; of several, the highlighted one counts, else the first."""
        parts = (part,) if part is None or isinstance(part, str) else tuple(part)
        if self.highlight in parts and self.highlight is not None:
            colour = self.colours[self.highlight]
            return _Look(colour, colour, "#FFFFFF", colour, 2.6, 4, bold=True)
        if self.highlight is None and parts[0] is not None:
            colour = self.colours[parts[0]]
            return _Look(colour, _tint(colour), INK, colour, 1.7, 3)
        if self.highlight is None:
            return _Look("#6E6E6E", "#F3F3F3", INK, INK, 1.4, 2)
        return _Look(PALE, "#F3F3F3", GREY, GREY, 1.3, 2)

    def _rounded(self, x, y, width, height, fill, edge, line_width, radius=0.9, zorder=3.0, linestyle="-"):
        style = f"round,pad=0,rounding_size={radius}"
        patch = FancyBboxPatch(
            (x, y), width, height, style, facecolor=fill, edgecolor=edge, linewidth=line_width, linestyle=linestyle
        )
        patch.set_zorder(zorder)
        return self.axes.add_patch(patch)

    def text(self, x, y, text, part=None, size=10.0, ha="center", va="middle", colour=None, bold=None, math=True):
        """Write on the bare card; with ``math=False`` a reader's words, in which a dollar is a dollar."""
        look = self.look(part)
        weight = "bold" if (look.bold if bold is None else bold) else "normal"
        if va == "middle":  # words of one row share a baseline, with and without letters that go below it
            va = "center"
            if "\n" not in text and not (math and "$" in text):
                y, va = y - 0.05 * size, "baseline"
        return self.axes.text(
            x,
            y,
            text,
            size=size,
            ha=ha,
            va=va,
            color=colour or look.text,
            weight=weight,
            zorder=9,
            linespacing=1.25,
            parse_math=math,
        )

    def words(self, x, y, word, part=None, size=10.0, room=None, **kwargs):
        """Write a reader's word, if there is room for it, and return how wide it is."""
        written = self.text(x, y, word, part, size, math=False, **kwargs)
        if room is not None and self.width_of(written) > room:
            raise ValueError(f"{word!r} is too long to be drawn; expected a shorter word, or fewer of them.")
        return self.width_of(written)

    def box(self, x, y, width, height, text, part=None, size=10.0):
        """Draw a box around its centre, written on."""
        look = self.look(part)
        self._rounded(x - width / 2, y - height / 2, width, height, look.fill, look.line, look.width, zorder=6)
        if text:
            self.text(x, y, text, part, size, colour=look.on_fill)

    def frame(self, x, y, width, height):
        """Draw what holds a cell together, around its centre, behind everything."""
        self._rounded(x - width / 2, y - height / 2, width, height, "#FAFAFA", "#DADADA", 1.2, radius=1.6, zorder=0.5)

    def band(self, left, right, low, high, part):
        """Shade an area behind everything that belongs to it."""
        look = self.look(part)
        fill = "#F6F6F6" if look.text == GREY else _tint(self.colours[part], 0.09)
        self._rounded(left, low, right - left, high - low, fill, "none", 0, zorder=0.4)

    def node(self, x, y, text, part=None, radius=1.45, size=12.0):
        """Draw a round operation: a product, a sum."""
        look = self.look(part)
        fill = look.fill if look.bold else CARD
        self.axes.add_patch(Circle((x, y), radius, facecolor=fill, edgecolor=look.line, linewidth=look.width, zorder=6))
        self.text(x, y, text, part, size, colour=look.on_fill, bold=False)

    def bar(self, x, y, width, height, part):
        """Draw a bar from its left end."""
        colour = self.look(part).line
        self.axes.add_patch(Rectangle((x, y - height / 2), width, height, facecolor=colour, linewidth=0, zorder=5))

    def dot(self, x, y, part=None):
        """Mark a place where a line branches."""
        look = self.look(part)
        self.axes.add_patch(Circle((x, y), 0.42, color=look.line, zorder=look.zorder + 0.5, linewidth=0))

    def arrow(self, points, part=None, *, head=True, over=False, dashed=False, radius=1.2):
        """Draw a line through points with rounded corners and a head; `over` lets it pass over another line."""
        look = self.look(part)
        path = _rounded_path(points, radius)
        if over:
            self._line(path, CARD, look.width + 4, look.zorder + 0.2, "-", False)
        zorder = look.zorder + 0.3 * over
        if dashed:  # a dashed outline would fray the head, so that the head gets a short line of its own
            *before, start, end = (np.asarray(p, dtype=float) for p in points)
            neck = end - (end - start) / np.linalg.norm(end - start) * 1.3
            self._line(
                _rounded_path([*before, start, neck], radius), look.line, look.width, zorder, (0, (3, 1.4)), False
            )
            path = _rounded_path([neck, end], radius)
        self._line(path, look.line, look.width, zorder, "-", head)

    def link(self, start, end, part, *, dashed=False):
        """Draw a soft curve from left to right, as between the columns of a tree."""
        look, (x, y), (to_x, to_y) = self.look(part), start, end
        middle = (x + to_x) / 2
        path = Path([(x, y), (middle, y), (middle, to_y), (to_x, to_y)], [Path.MOVETO] + 3 * [Path.CURVE4])
        self._line(path, look.line, look.width, look.zorder, (0, (3, 2)) if dashed else "-", False)

    def _line(self, path, colour, width, zorder, linestyle, head):
        style = "-|>,head_length=4.2,head_width=2.3" if head else "-"
        patch = FancyArrowPatch(
            path=path,
            arrowstyle=style,
            mutation_scale=0.75 + 0.25 * width,
            color=colour,
            linewidth=width,
            linestyle=linestyle,
            capstyle="butt",
            joinstyle="miter",
            fill=head,
        )
        patch.set_zorder(zorder)
        self.axes.add_patch(patch)

    def measure(self, text: str, size: float = 10.0) -> float:
        """Return how wide a text would be."""
        written = self.text(0, 0, text, size=size, bold=False, math=False)
        width = self.width_of(written)
        written.remove()
        return width

    def width_of(self, text) -> float:
        """Return how wide a text is, in the sketch's units."""
        return text.get_window_extent(self.figure.canvas.get_renderer()).width / self.figure.dpi * 10

    def formula(self, x, y, pieces, size=11.0, gap=0.3, centred=False):
        """Write a formula whose pieces, ``(text, part)``, have the colours of their parts."""
        written = [self.text(x, y, text, part, size, ha="left", va="baseline", bold=False) for text, part in pieces]
        widths = [self.width_of(text) + gap for text in written]
        start = x - (sum(widths) - gap) / 2 if centred else x
        for text, before in zip(written, np.cumsum([0, *widths])):
            text.set_x(start + before)

    def finish(self, alt: str, names: Mapping[str, str]) -> Drawing:
        """Return the drawing; its text alternative says what is highlighted, by its name."""
        if self.highlight is not None:
            alt += f" Highlighted: {names[self.highlight]}."
        return Drawing(self.figure, alt)


def _rounded_path(points, radius) -> Path:
    """Return the path through points, each corner cut by a quadratic curve."""
    points = [np.asarray(p, dtype=float) for p in points]
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:]):
        back, on = before - corner, after - corner
        cut = min(radius, np.linalg.norm(back) / 2, np.linalg.norm(on) / 2)
        vertices += [corner + cut * back / np.linalg.norm(back), corner, corner + cut * on / np.linalg.norm(on)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def _plain_style(draw):
    """Let a drawing look the same whatever style a notebook has set."""

    @functools.wraps(draw)
    def styled(*args, **kwargs):
        with matplotlib.style.context("default"):
            return draw(*args, **kwargs)

    return styled


# --------------------------------------------------------------------------------------------------- recurrent networks


@_plain_style
def unrolled_rnn(highlight=None, *, outputs="every") -> Drawing:
    """Draw a simple recurrent network twice: as a loop, and unrolled over three steps.

    Parameters
    ----------
    highlight : {None, "input", "state", "output", "loop", "weights"}
        The part being taught. "loop" is the way of the state from step to step in both pictures, "weights" the matrices
        that every step shares.
    outputs : {"every", "last"}
        Whether every state is read out, as with ``return_sequences=True``, or only the last.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For any other `highlight` or `outputs`; the message names the choices.
    """
    names = {
        "input": "the inputs x_t and their weights W_xh",
        "state": "the states h_t",
        "output": "the outputs",
        "loop": "the loop, by which the state of one step reaches the next",
        "weights": "the weights W_xh and W_hh, the same at every step",
    }
    if outputs not in ("every", "last"):
        raise ValueError(f"outputs is {outputs!r}; expected 'every' or 'last'.")
    colours = {"input": GREEN, "state": BLUE, "output": PURPLE, "loop": RED, "weights": BROWN}
    s = _Sketch(70, 34, colours, highlight)
    y = 18.5

    def column(x, sub, output):
        s.text(x, 9, f"$x_{sub}$", "input", 14)
        s.arrow([(x, 10.6), (x, y - 3)], ("input", "weights"))
        s.text(x + 0.8, 12.6, "$W_{xh}$", ("input", "weights"), 12, ha="left")
        s.box(x, y, 6.4, 6, f"$h_{sub}$", "state", 14)
        if output:
            s.arrow([(x, y + 3), (x, y + 7.4)], "output")
            s.text(x, y + 9.2, output, "output", 14)

    every = outputs == "every"
    column(11, "t", r"$\hat{y}_t$" if every else r"$\hat{y}$")
    if not every:
        s.text(13.2, y + 9.2, "at the end", "output", 9, ha="left")
    s.arrow([(14.2, y), (17.8, y), (17.8, y + 5), (4.2, y + 5), (4.2, y), (7.8, y)], ("loop", "weights"), over=True)
    s.text(3.8, y + 6.6, "$W_{hh}$", ("loop", "weights"), 12)
    s.text(11, 31.4, "as a loop", size=10)
    s.arrow([(20.8, y), (26.2, y)])
    s.text(23.5, y + 1.8, "unroll", size=9)

    centres = (37.5, 49, 60.5)
    s.text(28.4, y, "$h_0$", "state", 14)
    for sub, (before, x) in enumerate(zip((26.8, *centres), centres), start=1):
        column(x, sub, rf"$\hat{{y}}_{sub}$" if every else (r"$\hat{y}$" if sub == 3 else None))
        s.arrow([(before + 3.2, y), (x - 3.2, y)], ("loop", "weights"))
        s.text((before + x) / 2, y + 1.6, "$W_{hh}$", ("loop", "weights"), 12)
    if every:
        s.arrow([(centres[-1] + 3.2, y), (66.3, y)], ("loop", "weights"))
        s.text(67.9, y, "$\\cdots$", ("loop", "weights"), 12)
    s.text(49, 31.4, "unrolled: the same weights at every step", "weights" if highlight else None, size=10)
    s.formula(
        35,
        3.4,
        [
            ("$h_t = \\tanh($", "state"),
            ("$x_t W_{xh}$", ("input", "weights")),
            ("$+$", "state"),
            ("$h_{t-1} W_{hh}$", ("loop", "weights")),
            ("$+\\;b_h)$", "state"),
        ],
        size=13,
        centred=True,
    )
    alt = (
        "A recurrent network drawn as a loop and unrolled over three steps. At each step the input x_t, through W_xh, "
        "and the previous state h_(t-1), through W_hh, make the state h_t; "
        + ("each state is read out as an output. " if every else "only the last state is read out. ")
        + "W_xh and W_hh are the same at every step."
    )
    return s.finish(alt, names)


@_plain_style
def bidirectional(highlight=None) -> Drawing:
    """Draw a bidirectional recurrent network over five steps: one layer reads forward, one backward, both are read out.

    Parameters
    ----------
    highlight : {None, "input", "forward", "backward", "output"}
        The part being taught.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For any other `highlight`; the message names the choices.
    """
    names = {
        "input": "the inputs x_t",
        "forward": "the layer that reads forward",
        "backward": "the layer that reads backward",
        "output": "the outputs, each made of both states of its step",
    }
    colours = {"input": GREEN, "forward": BLUE, "backward": RED, "output": PURPLE}
    s = _Sketch(70, 36, colours, highlight)
    low, high, top = 14.5, 22.5, 30.5
    centres = (12, 23.5, 35, 46.5, 58)
    for step, x in enumerate(centres, start=1):
        s.text(x, 8, f"$x_{step}$", "input", 14)
        s.arrow([(x - 1.6, 9.6), (x - 1.6, low - 2.4)], ("input", "forward"))
        aside = [(x + 4.3, 11.2), (x + 4.3, 18.8), (x + 1.6, 18.8)]
        s.arrow([(x + 1.6, 9.6), *aside, (x + 1.6, high - 2.4)], ("input", "backward"), radius=0.8)
        s.box(x, low, 6.4, 4.8, rf"$\overrightarrow{{a}}_{step}$", "forward", 13)
        s.box(x, high, 6.4, 4.8, rf"$\overleftarrow{{a}}_{step}$", "backward", 13)
        aside = [(x - 1.6, 18.2), (x - 4.3, 18.2), (x - 4.3, 27)]
        s.arrow([(x - 1.6, low + 2.4), *aside, (x - 1.6, top - 1.6)], ("output", "forward"), radius=0.8)
        s.arrow([(x, high + 2.4), (x, top - 1.8)], ("output", "backward"))
        s.text(x, top, rf"$\hat{{y}}_{step}$", "output", 14)
    for before, after in itertools.pairwise(centres):
        s.arrow([(before + 3.2, low), (after - 3.2, low)], "forward", over=True)
        s.arrow([(after - 3.2, high), (before + 3.2, high)], "backward", over=True)
    s.formula(
        35,
        2.6,
        [
            ("$\\hat{y}_t = g(W_y\\,[$", "output"),
            ("$\\overrightarrow{a}_t$", "forward"),
            ("$,$", "output"),
            ("$\\overleftarrow{a}_t$", "backward"),
            ("$] + b_y)$", "output"),
        ],
        size=13,
        centred=True,
    )
    alt = (
        "A bidirectional network over five steps. One row of states is computed from left to right, a second one from "
        "right to left, both from the same inputs x_1 to x_5. Each output is read from the two states of its own step."
    )
    return s.finish(alt, names)


@_plain_style
def bptt(highlight=None, *, steps=5, truncation=None) -> Drawing:
    """Draw backpropagation through time: how the loss of the last step reaches the earlier ones, factor by factor.

    Parameters
    ----------
    highlight : {None, "forward", "loss", "path", "cut"}
        The part being taught: the forward pass, the losses, the way of the gradient back, or, if there is a truncation,
        where the way ends.
    steps : int
        How many steps, 3 to 6.
    truncation : int, optional
        How many states the gradient of a loss reaches (tau), fewer than `steps`: with 1 it stays at its own step, as in
        `utils.bptt.loss_and_gradients`. All unless given.

    Returns
    -------
    Drawing

    Raises
    ------
    TypeError
        If `steps` or `truncation` is no whole number.
    ValueError
        For numbers out of range, and for any other `highlight`; the message names the choices.
    """
    n = whole_number("steps", steps, least=3, most=6)
    tau = n if truncation is None else whole_number("truncation", truncation, least=1, most=n - 1)
    names = {
        "forward": "the forward pass, from the inputs to the states",
        "loss": "the losses",
        "path": "the path of the gradient back through time",
    }
    colours = {"forward": BLUE, "loss": PURPLE, "path": RED}
    if tau < n:
        names["cut"] = f"the cut, beyond which the loss of step {n} changes nothing"
        colours["cut"] = BROWN
    s = _Sketch(70, 33.5 + 2.5 * (tau < n), colours, highlight)
    y, pitch, wide = 19.5, 60 / n, 5.6
    centres = [9.5 + pitch * (k + 0.35) for k in range(n)]
    s.text(centres[0] - pitch * 0.62, y + 1.4, "$h_0$", "forward", 13)
    for t, x in enumerate(centres, start=1):
        before = x - pitch + wide / 2 if t > 1 else x - pitch * 0.62 + 1.6
        s.text(x, 9.6, f"$x_{t}$", "forward", 13)
        s.arrow([(x, 11.2), (x, y - 3)], "forward")
        s.arrow([(before, y + 1.4), (x - wide / 2, y + 1.4)], "forward")
        s.box(x, y, wide, 6, f"$h_{t}$", "forward", 13)
        last = t == n
        s.arrow([(x - 1.1 * last, y + 3), (x - 1.1 * last, y + 7)], "loss")
        s.node(x, y + 9.2, f"$L_{t}$", "loss", radius=2.2, size=12)
    x = centres[-1]
    s.arrow([(x + 1.1, y + 7), (x + 1.1, y + 3)], "path", dashed=True)
    s.text(x + 2, y + 5.1, rf"$\frac{{\partial L_{n}}}{{\partial h_{n}}}$", "path", 14, ha="left")
    for t in range(n, n - tau + 1, -1):
        right, left = centres[t - 1] - wide / 2, centres[t - 2] + wide / 2
        s.arrow([(right, y - 1.4), (left, y - 1.4)], "path", dashed=True)
        s.text((left + right) / 2, y - 4.3, rf"$\frac{{\partial h_{t}}}{{\partial h_{t - 1}}}$", "path", 14)
    if tau < n:
        x = (centres[n - tau] + centres[n - tau - 1]) / 2
        s.band(x + 1.7, 68.6, 8, 34.4, "cut")
        s.text((x + 69.8) / 2, 32.9, rf"$\tau = {tau}$", "cut", 12)
        for shift in (-0.5, 0.5):
            s.arrow([(x - 0.7 + shift, y - 3), (x + 0.7 + shift, y + 0.2)], "cut", head=False)
        s.text(x, y - 4.4, "cut", "cut", 10)
    first, sign = n - tau + 1, "=" if tau == n else r"\approx"
    s.formula(
        35,
        4.1,
        [
            (rf"$\dfrac{{\partial L_{n}}}{{\partial W_{{hh}}}} {sign}$", None),
            (rf"$\sum_{{k={first}}}^{{{n}}}$", "cut" if tau < n else None),
            (
                rf"$\dfrac{{\partial L_{n}}}{{\partial h_{n}}}\left(\prod_{{j=k+1}}^{{{n}}}"
                r"\;\dfrac{\partial h_j}{\partial h_{j-1}}\right)$",
                "path",
            ),
            (r"$\dfrac{\partial h_k}{\partial W_{hh}}$", None),
            ("   (last factor: $h_{k-1}$ held fixed)", None),
        ],
        size=12,
        centred=True,
    )
    alt = (
        f"A recurrent network unrolled over {n} steps, with a loss L_t at each step. The gradient of the last loss, "
        f"L_{n}, enters at h_{n} and goes back from state to state, multiplied by one factor dh_t/dh_(t-1) a step, "
        + (
            "to the first state."
            if tau == n
            else f"and is cut between h_{first} and h_{first - 1}: truncation {tau} keeps {tau} of {n} terms."
        )
    )
    return s.finish(alt, names)


@_plain_style
def lstm_cell(highlight=None, *, formulas=True) -> Drawing:
    """Draw one step of an LSTM: three gates, the candidate, and the cell state that they forget from and add to.

    Parameters
    ----------
    highlight : {None, "forget", "input", "candidate", "state", "output"}
        The part being taught; "state" is the way of the cell state.
    formulas : bool
        Whether the six formulas stand beside the cell.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For any other `highlight`; the message names the choices.
    """
    names = {
        "forget": "the forget gate f_t, which multiplies the old cell state",
        "input": "the input gate i_t, which multiplies the candidate",
        "candidate": "the candidate, the new values that may be added to the cell state",
        "state": "the cell state, from c_(t-1) to c_t: one product, one sum",
        "output": "the output gate o_t and the new state h_t",
    }
    colours = {"forget": RED, "input": GREEN, "candidate": BROWN, "state": BLUE, "output": PURPLE}
    s = _Sketch(70 if formulas else 49.5, 32, colours, highlight)
    top, bus, gate, middle = 26.0, 5.5, 11.2, 18.6
    f, i, c, o, end = 12.6, 20.6, 28.7, 36.6, 41.6
    s.frame((5.6 + 44.1) / 2, (3.4 + 29) / 2, 38.5, 25.6)

    s.text(3.1, top + 1.9, "$c_{t-1}$", "state", 13)
    s.text(3.1, bus + 1.9, "$h_{t-1}$", None, 13)
    s.arrow([(1.2, bus), (o, bus), (o, gate - 2.4)])
    s.arrow([(7.2, 2.6), (7.2, bus)], head=False)
    s.text(7.2, 1.7, "$x_t$", None, 13)
    for x in (f, i, c):
        s.arrow([(x, bus), (x, gate - 2.4)])
        s.dot(x, bus)
    s.dot(7.2, bus)

    for x, name, symbol, what in (
        (f, "forget", r"$\sigma$", "forget"),
        (i, "input", r"$\sigma$", "input"),
        (c, "candidate", "tanh", "candidate"),
        (o, "output", r"$\sigma$", "output"),
    ):
        s.box(x, gate, 7.6, 4.8, f"{what}\n{symbol}", name, 9)

    s.arrow([(1.2, top), (f - 1.45, top)], "state")
    s.arrow([(f + 1.45, top), (c - 1.45, top)], "state")
    s.arrow([(c + 1.45, top), (48.4, top)], "state")
    s.arrow([(f, gate + 2.4), (f, top - 1.45)], "forget")
    s.node(f, top, r"$\times$", ("state", "forget"))
    s.text(f + 0.8, 20, "$f_t$", "forget", 13, ha="left")
    s.arrow([(i, gate + 2.4), (i, middle), (c - 1.45, middle)], "input")
    s.text(i - 0.8, 16.6, "$i_t$", "input", 13, ha="right")
    s.arrow([(c, gate + 2.4), (c, middle - 1.45)], "candidate")
    s.text(c + 0.8, 15.4, r"$\tilde{c}_t$", "candidate", 13, ha="left")
    s.node(c, middle, r"$\times$", ("input", "candidate"))
    s.arrow([(c, middle + 1.45), (c, top - 1.45)], ("input", "candidate"))
    s.node(c, top, "$+$", "state")
    s.text(46.6, top + 2.2, "$c_t$", "state", 13)

    s.dot(end, top, "state")
    s.arrow([(end, top), (end, 23.4)], "output")
    s.box(end, 22, 4.4, 2.8, "tanh", "output", 9)
    s.arrow([(end, 20.6), (end, middle - 1.2)], "output")
    s.arrow([(o, gate + 2.4), (o, middle - 2.65), (end - 1.45, middle - 2.65)], "output")
    s.node(end, middle - 2.65, r"$\times$", "output")
    s.arrow([(end, middle - 4.1), (end, bus), (48.4, bus)], "output")
    s.text(o - 0.8, 15.6, "$o_t$", "output", 13, ha="right")
    s.text(46.6, bus + 2.2, "$h_t$", "output", 13)
    if formulas:
        _formulas(
            s,
            top - 0.5,
            [
                [(r"$f_t = \sigma([h_{t-1}, x_t]\,W_f + b_f)$", "forget")],
                [(r"$i_t = \sigma([h_{t-1}, x_t]\,W_i + b_i)$", "input")],
                [(r"$\tilde{c}_t = \tanh([h_{t-1}, x_t]\,W_c + b_c)$", "candidate")],
                [
                    (r"$c_t =$", "state"),
                    (r"$f_t$", ("state", "forget")),
                    (r"$\odot\;c_{t-1} +$", "state"),
                    (r"$i_t$", ("state", "input")),
                    (r"$\odot$", "state"),
                    (r"$\tilde{c}_t$", ("state", "candidate")),
                ],
                [(r"$o_t = \sigma([h_{t-1}, x_t]\,W_o + b_o)$", "output")],
                [(r"$h_t = o_t \odot \tanh(c_t)$", "output")],
            ],
        )
    alt = (
        "One step of an LSTM. The old cell state c_(t-1) is multiplied by the forget gate f_t; the candidate, "
        "multiplied by the input gate i_t, is added: c_t = f_t * c_(t-1) + i_t * candidate. The output gate o_t gives "
        "the new state h_t = o_t * tanh(c_t). All gates and the candidate read h_(t-1) and x_t."
    )
    return s.finish(alt, names)


def _formulas(s, y, rows):
    """Write formulas below one another on the right; a row that begins with `CONTINUED` belongs to the one before."""
    for k, pieces in enumerate(rows):
        continued = pieces[0] is CONTINUED
        y -= (2.7 if continued else 4.1) if k else 0
        s.formula(50.2 + 3.2 * continued, y, pieces[continued:], size=10)


@_plain_style
def gru_cell(highlight=None, *, formulas=True) -> Drawing:
    """Draw one step of a GRU: the reset gate, the update gate, and the candidate that the state moves to.

    It follows Keras: the update gate z_t keeps the *old* state, h_t = z_t * h_(t-1) + (1 - z_t) * candidate, and the
    reset gate acts on the old state before the matrix, as with ``reset_after=False``.

    Parameters
    ----------
    highlight : {None, "reset", "update", "candidate", "state"}
        The part being taught; "state" is the way of h from step to step.
    formulas : bool
        Whether the four formulas stand beside the cell.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For any other `highlight`; the message names the choices.
    """
    names = {
        "reset": "the reset gate r_t, which multiplies the old state on its way to the candidate",
        "update": "the update gate z_t, which keeps the old state, and 1 - z_t, which lets the candidate in",
        "candidate": "the candidate, made of x_t and the reset state",
        "state": "the state, from h_(t-1) to h_t: a weighted mean of old state and candidate",
    }
    colours = {"reset": RED, "update": GREEN, "candidate": BROWN, "state": BLUE}
    s = _Sketch(70 if formulas else 49.5, 33, colours, highlight)
    top, bus, gate, low = 27.4, 6.3, 11.4, 3.6
    z, r, keep, plus = 13.2, 21.9, 30.3, 39.2
    level, reset = 22.3, 18.4
    s.frame((5.6 + 44.1) / 2, (2.3 + 30.3) / 2, 38.5, 28)

    s.text(3.1, top + 1.9, "$h_{t-1}$", "state", 13)
    s.arrow([(1.2, top), (keep - 1.45, top)], "state")
    s.arrow([(keep + 1.45, top), (plus - 1.45, top)], "state")
    s.arrow([(plus + 1.45, top), (48.4, top)], "state")
    s.text(46.6, top + 2.2, "$h_t$", "state", 13)

    s.arrow([(7.4, top), (7.4, bus), (r, bus), (r, gate - 2.4)])
    s.dot(7.4, top, "state")
    s.text(3.1, low + 1.9, "$x_t$", ("candidate",) if highlight == "candidate" else None, 13)
    s.arrow([(1.2, low), (plus, low), (plus, gate - 2.4)], ("candidate",) if highlight == "candidate" else None)
    s.arrow([(9.8, low), (9.8, bus)], head=False)
    s.dot(9.8, low)
    s.dot(9.8, bus)
    s.arrow([(z, bus), (z, gate - 2.4)])
    s.dot(z, bus)

    s.box(z, gate, 7.6, 4.8, "update\n$\\sigma$", "update", 9)
    s.box(r, gate, 7.6, 4.8, "reset\n$\\sigma$", "reset", 9)
    s.box(plus, gate, 7.6, 4.8, "candidate\ntanh", "candidate", 9)

    s.arrow([(r, top), (r, reset + 1.45)], "reset")
    s.dot(r, top, "state")
    s.arrow([(r, gate + 2.4), (r, reset - 1.45)], "reset")
    s.node(r, reset, r"$\times$", "reset")
    s.text(r + 1, 15.3, "$r_t$", "reset", 13, ha="left")
    s.arrow([(r + 1.45, reset), (29, reset), (29, gate), (plus - 3.8, gate)], ("reset", "candidate"))

    s.arrow([(z, gate + 2.4), (z, level), (keep, level), (keep, top - 1.45)], "update", over=True)
    s.text(z - 0.8, 18, "$z_t$", "update", 13, ha="right")
    s.node(keep, top, r"$\times$", ("state", "update"))
    s.dot(keep, level, "update")
    s.arrow([(keep, level), (plus - 1.45, level)], "update")
    s.box(33.9, level, 3.4, 2.6, "$1-$", "update", 10)
    s.node(plus, level, r"$\times$", ("update", "candidate"))
    s.arrow([(plus, gate + 2.4), (plus, level - 1.45)], "candidate")
    s.text(plus + 0.8, 16.6, r"$\tilde{h}_t$", "candidate", 13, ha="left")
    s.arrow([(plus, level + 1.45), (plus, top - 1.45)], ("state", "candidate", "update"))
    s.node(plus, top, "$+$", "state")
    if formulas:
        _formulas(
            s,
            top - 0.5,
            [
                [(r"$r_t = \sigma([h_{t-1}, x_t]\,W_r + b_r)$", "reset")],
                [(r"$z_t = \sigma([h_{t-1}, x_t]\,W_z + b_z)$", "update")],
                [
                    (r"$\tilde{h}_t = \tanh([$", "candidate"),
                    (r"$r_t$", ("candidate", "reset")),
                    (r"$\odot\;h_{t-1}, x_t]\,W_h$", "candidate"),
                ],
                [CONTINUED, (r"$+\;b_h)$", "candidate")],
                [(r"$h_t =$", "state"), (r"$z_t$", ("state", "update")), (r"$\odot\;h_{t-1}$", "state")],
                [
                    CONTINUED,
                    (r"$+$", "state"),
                    (r"$(1-z_t)$", ("state", "update")),
                    (r"$\odot$", "state"),
                    (r"$\tilde{h}_t$", ("state", "candidate")),
                ],
            ],
        )
    alt = (
        "One step of a GRU in Keras's convention: h_t = z_t * h_(t-1) + (1 - z_t) * candidate, so that an update gate "
        "z_t of 1 keeps the old state. The reset gate r_t multiplies h_(t-1) before the candidate reads it together "
        "with x_t. Both gates read h_(t-1) and x_t."
    )
    return s.finish(alt, names)


# ------------------------------------------------------------------------------------------------- sequence to sequence


@_plain_style
def encoder_decoder(
    highlight=None, *, feedback="output", source=("1", "0", "+", "6"), target=("1", "6"), start="="
) -> Drawing:
    """Draw a network that reads one sequence into a state and writes another one from it.

    Parameters
    ----------
    highlight : {None, "encoder", "bridge", "decoder", "feedback"}
        The part being taught; "bridge" is all that passes from encoder to decoder. There is no "feedback" to highlight
        with ``feedback="none"``.
    feedback : {"output", "teacher", "none"}
        What the decoder reads: its own last output (as it must when nobody knows the answer), the true last token
        (teacher forcing, in training), or the encoder's last state at every step and no token (`RepeatVector`).
    source, target : sequence of str
        The tokens, 2 to 5 and 2 to 4 of them, short ones.
    start : str
        What the decoder reads first, unless `feedback` is "none".

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For any other `highlight` or `feedback` (the message names the choices), and for too many tokens.
    """
    if feedback not in ("output", "teacher", "none"):
        raise ValueError(f"feedback is {feedback!r}; expected 'output', 'teacher' or 'none'.")
    source, target = _tokens("source", source, 2, 5), _tokens("target", target, 2, 4)
    n, m = len(source), len(target)
    names = {
        "encoder": "the encoder",
        "bridge": f"the bridge, the encoder's last state h_{n}, which is all that the decoder learns of the input",
        "decoder": "the decoder",
    }
    if feedback != "none":
        names["feedback"] = {
            "output": "the feedback, by which each output is the next input",
            "teacher": "teacher forcing: the true token, not the output, is the next input",
        }[feedback]
    colours = {"encoder": BLUE, "bridge": RED, "decoder": GREEN, "feedback": PURPLE}
    s = _Sketch(70, 31, {name: colours[name] for name in names}, highlight)
    y, pitch = 16.0, min(10.0, (70 - 6) / (n + m + 0.35))
    wide = 5.0 if pitch > 8 else 4.2
    aside = wide / 2 + 0.36 * (pitch - wide)  # where an output goes down beside its step, clear of the arrow's head
    left = (70 - pitch * (n + m - 1 + 0.55)) / 2
    reads = [left + pitch * k for k in range(n)]
    writes = [left + pitch * (n + k + 0.55) for k in range(m)]
    s.text((reads[0] + reads[-1]) / 2, 27.8, "encoder", "encoder", 11)
    s.text((writes[0] + writes[-1]) / 2, 27.8, "decoder", "decoder", 11)
    for k, (x, token) in enumerate(zip(reads, source), start=1):
        s.words(x, 6.6, token, "encoder", 12, room=pitch - 1)
        s.arrow([(x, 8.4), (x, y - 2.7)], "encoder")
        if k > 1:
            s.arrow([(x - pitch + wide / 2, y), (x - wide / 2, y)], "encoder")
        s.box(x, y, wide, 5.4, f"$h_{k}$", "encoder", 13)
    said, room = [], 2 * aside - 2.8 if feedback == "output" else pitch - 1
    for k, (x, token) in enumerate(zip(writes, target), start=1):
        if k > 1:
            s.arrow([(x - pitch + wide / 2, y), (x - wide / 2, y)], "decoder")
        s.box(x, y, wide, 5.4, f"$s_{k}$", "decoder", 13)
        s.arrow([(x, y + 2.7), (x, 22.6)], "decoder")
        if feedback == "teacher":  # what it says itself may differ, and nobody reads it
            s.text(x, 24.4, rf"$\hat{{y}}_{k}$", "decoder", 12)
        else:
            said.append(s.words(x, 24.4, token, "decoder", 12, room=room))
    bridge_end = writes[0] - wide / 2
    if feedback == "none":
        s.arrow(
            [
                (reads[-1] + wide / 2, y),
                (reads[-1] + wide / 2 + 2.2, y),
                (reads[-1] + wide / 2 + 2.2, 9.4),
                (writes[-1], 9.4),
                (writes[-1], y - 2.7),
            ],
            "bridge",
            over=True,
        )
        for x in writes[:-1]:
            s.arrow([(x, 9.4), (x, y - 2.7)], "bridge")
            s.dot(x, 9.4, "bridge")
        s.text((writes[0] + writes[-1]) / 2, 6.6, f"$h_{n}$ at every step", "bridge", 10)
    else:
        s.arrow([(reads[-1] + wide / 2, y), (bridge_end, y)], "bridge")
        s.text((reads[-1] + wide / 2 + bridge_end) / 2, y + 1.8, f"$h_{n}$", "bridge", 12)
        heard = [start, *target[:-1]]
        for k, (x, token) in enumerate(zip(writes, heard)):
            part = "feedback" if k else "decoder"
            width = s.words(x, 6.6, token, part, 12, room=room)
            s.arrow([(x, 8.4), (x, y - 2.7)], part)
            if k and feedback == "output":
                before = writes[k - 1]
                between = before + aside
                out, into = before + said[k - 1] / 2 + 0.8, x - width / 2 - 0.6
                s.arrow([(out, 24.4), (between, 24.4), (between, 6.6), (into, 6.6)], "feedback", over=True)
        caption = {"output": "reads its own last output", "teacher": "reads the true last token"}[feedback]
        s.text((writes[0] + writes[-1]) / 2, 3, caption, "feedback", 10)
    s.text((reads[0] + reads[-1]) / 2, 3, "reads the whole input", "encoder", 10)
    what = {
        "output": "Its first input is a start token, then each of its own outputs in turn",
        "teacher": "Its first input is a start token, then each true token of the answer, whatever it has said itself "
        "(teacher forcing)",
        "none": f"It gets h_{n} as its input at every step, and never what it has said (RepeatVector)",
    }[feedback]
    alt = (
        f"An encoder reads {' '.join(source)} token by token into its states h_1 to h_{n}. Only the last, h_{n}, goes "
        f"to the decoder, which writes {' '.join(target)} from its states s_1 to s_{m}. {what}."
    )
    return s.finish(alt, names)


def _tokens(name, tokens, least, most) -> list[str]:
    """Return tokens as a list, checked."""
    if isinstance(tokens, str) or not all(isinstance(token, str) for token in tokens):
        raise TypeError(f"{name} is {tokens!r}; expected a sequence of strings, one for each token.")
    tokens = list(tokens)
    if not least <= len(tokens) <= most:
        raise ValueError(f"{name} has {len(tokens)} tokens; expected {least} to {most}, so that each stays readable.")
    return tokens


@_plain_style
def attention(highlight=None, *, inputs=("July", "20th", "1969"), scores=(0.1, 0.4, 2.5)) -> Drawing:
    """Draw one step of attention in three stages: a score for each input, softmax, and the context as weighted mean.

    Parameters
    ----------
    highlight : {None, "scores", "softmax", "context"}
        The stage being taught.
    inputs : sequence of str
        The inputs, 2 to 5 short words.
    scores : sequence of float
        One score for each input; the weights drawn are their softmax. The default illustrates, it was not measured.

    Returns
    -------
    Drawing

    Raises
    ------
    TypeError
        If an input is no string or a score no number.
    ValueError
        For any other `highlight` (the message names the choices), a number of inputs out of range, or scores that are
        not finite or not one for each input.
    """
    inputs = _tokens("inputs", inputs, 2, 5)
    scores = [finite_number("a score", score) for score in scores]
    if len(scores) != len(inputs):
        raise ValueError(f"{len(scores)} scores for {len(inputs)} inputs; expected one each.")
    names = {
        "scores": "the scores e, one for each input, from its state a and the decoder's last state s",
        "softmax": "the softmax, which makes the scores weights that add up to 1",
        "context": "the context, the mean of the states a, weighted by alpha",
    }
    exp = np.exp(np.array(scores) - max(scores))
    weights = exp / exp.sum()
    n = len(inputs)
    pitch = 4.2 if n == 5 else 5.2
    high = 14 + pitch * n
    s = _Sketch(70, high, {"scores": GREEN, "softmax": RED, "context": BLUE}, highlight)
    rows = [high - 9.2 - pitch * (k + 0.5) for k in range(n)]
    tall = pitch - 1.1
    middle = (rows[0] + rows[-1]) / 2
    for x, title, formula, part in (
        (20, "1  score each input", r"$e_{t,j} = \mathrm{score}(s_{t-1},\,a_j)$", "scores"),
        (38, "2  softmax", r"$\alpha_{t,j} \propto \exp(e_{t,j})$", "softmax"),
        (58, "3  weighted mean", r"$\mathrm{context}_t = \sum_j \alpha_{t,j}\,a_j$", "context"),
    ):
        s.text(x, high - 3, title, part, 11)
        s.text(x, high - 6.8, formula, part, 11, va="baseline", bold=False)
    s.text(11.8, 3, "$s_{t-1}$", "scores", 13)
    s.arrow([(14.4, 3), (17.6, 3), (17.6, rows[0] - 1.2), (20.3, rows[0] - 1.2)], "scores", radius=0.8)
    for k, (y, word, score, weight) in enumerate(zip(rows, inputs, scores, weights), start=1):
        s.words(8.8, y, word, None, 10, room=7.8, ha="right")
        s.box(11.8, y, 4.6, tall, f"$a_{k}$", None, 12)
        s.arrow([(14.1, y), (20.3, y)], "scores", over=True)
        s.box(23, y, 5.4, tall, f"{score:.1f}".replace("-", "\N{MINUS SIGN}"), "scores", 11)
        if k > 1:
            s.arrow([(17.6, y - 1.2), (20.3, y - 1.2)], "scores")
        s.arrow([(25.7, y), (29.9, y)], "softmax")
        s.arrow([(34.7, y), (37.6, y)], "softmax")
        s.bar(38, y, 5.6 * weight, tall, "softmax")
        s.text(47.8, y, f"{weight:.2f}", "softmax", 11, ha="right")
        s.text(49.8, y, r"$\times$", "context", 13)
        s.box(53.6, y, 4.6, tall, f"$a_{k}$", None, 12)
        join = middle + 0.8 * np.sign(y - middle) * (abs(y - middle) > 0.1)
        s.arrow([(55.9, y), (57.6, y), (58.2, join), (59.3, join)], "context", head=False)
    s.arrow([(38, rows[0] + tall / 2), (38, rows[-1] - tall / 2)], "softmax", head=False)  # shows a weight of 0 too
    s.box(32.3, middle, 4.8, rows[0] - rows[-1] + tall, "", "softmax")
    s.text(32.3, middle, "softmax", "softmax", 10, colour=s.look("softmax").on_fill, va="center").set_rotation(90)
    s.node(60.8, middle, r"$\Sigma$", "context", radius=1.8)
    s.arrow([(62.6, middle), (65.6, middle)], "context")
    s.text(65.6, middle - 2.4, "context", "context", 10)
    weighed = ", ".join(f"{word} {weight:.2f}" for word, weight in zip(inputs, weights))
    alt = (
        "One step of attention. First each input's state a_j gets a score e_tj from the decoder's last state s_(t-1); "
        f"then softmax makes them weights alpha_tj that add up to 1 (here {weighed}); then the context is the sum of "
        "the states a_j times their weights."
    )
    return s.finish(alt, names)


@_plain_style
def beam(tree, width, highlight=None, *, steps=3, end="<end>") -> Drawing:
    """Draw a beam search in a tree of words: what goes through each step, and what is dropped.

    Beside each word stands P, the probability of all words up to it.

    Parameters
    ----------
    tree : mapping
        For a prefix, its words parted by spaces and "" at the start, the next words and their probabilities:
        ``{"": {"jane": 0.65, "in": 0.2}, "jane": {"is": 0.65}}``. Prefixes that go through and have no entry end there.
    width : int
        How many prefixes go through a step.
    highlight : {None, "kept", "dropped", "best"}
        The part being taught; "best" is the way to the most probable of what is found, or of what lives after `steps`.
    steps : int
        How many words to search, 1 to 4.
    end : str
        The word that ends a sentence; what ends with it is finished and not continued.

    Returns
    -------
    Drawing

    Raises
    ------
    TypeError
        If `width` or `steps` is no whole number, or a probability no number.
    ValueError
        For numbers out of range, a tree without the prefix "" or too wide to draw, and any other `highlight`; the
        message names the choices.
    """
    width = whole_number("width", width, least=1, most=6)
    steps = whole_number("steps", steps, least=1, most=4)
    names = {
        "kept": f"what is kept, the {width} most probable of each step",
        "dropped": "what is dropped",
        "best": "the most probable that is found, and the way to it",
    }
    columns, best = _search(tree, width, steps, end)
    ended = best[-1] == end or not tree.get(" ".join(best))
    if not ended:
        names["best"] = "the most probable prefix after the last step, and the way to it"
    most = max(8, width)
    rows = max(min(len(column), most + 1) for column in columns)
    pitch, tall = 3.3, 2.5
    high = 5.8 + pitch * rows
    first = high - 6
    s = _Sketch(70, high, {"kept": BLUE, "dropped": BROWN, "best": RED}, highlight)
    room = [max(s.measure(words[-1]) for words, _ in column[:most]) + s.measure("0.000") + 2.6 for column in columns]
    gap = (68.4 - 6 - sum(room)) / len(columns)
    if gap < 2.5:
        raise ValueError(f"{len(columns)} steps of these words do not fit side by side; draw fewer steps.")
    gap = min(gap, 8)
    place, left = {(): (6, first)}, 6
    s.text(5.4, first, "start", None, 10, ha="right")
    for k, column in enumerate(columns):
        left += gap
        right = left + room[k]
        s.text(left + 0.8, high - 2.7, f"step {k + 1}", None, 10, ha="left")
        s.text(right - 0.8, high - 2.7, "$P$", None, 10, ha="right")
        for rank, (words, p) in enumerate(column[:most]):
            y, kept = first - pitch * rank, rank < width
            part = "kept" if kept else "dropped"
            if best[: k + 1] == words:
                part = "best" if highlight is None else ("kept", "best")
            s.link(place[words[:-1]], (left, y), part, dashed=not kept)
            colour = None
            if kept:
                s.box((left + right) / 2, y, room[k], tall, "", part)
                colour = s.look(part).on_fill
            s.words(left + 0.8, y, words[-1], part, 10, ha="left", colour=colour, bold=False)
            s.text(right - 0.8, y, f"{p:.3f}", part, 10, ha="right", colour=colour, bold=False)
            place[words] = (right, y)
        if len(column) > most:
            s.text(
                (left + right) / 2, first - pitch * most, f"and {len(column) - most} more", "dropped", 10, bold=False
            )
        left = right
    kept = "; ".join(
        f"step {k}: " + ", ".join(f"{' '.join(words)} {p:.3f}" for words, p in column[:width])
        for k, column in enumerate(columns, start=1)
    )
    probability = next(p for column in columns for words, p in column if words == best)
    outcome = "found" if ended else f"after step {len(columns)}, where the search is not at its end"
    alt = (
        f"A beam search of width {width}. Of all next words, the {width} most probable prefixes go on, by "
        f"P, the product of their words' probabilities. Kept in {kept}. "
        f"All others are dropped. The most probable {outcome}: {' '.join(best)}, {probability:.3f}."
    )
    return s.finish(alt, names)


def _search(tree, width, steps, end):
    """Return each step's continuations of the live prefixes, most probable first, and the best that is found."""
    if not isinstance(tree, Mapping) or not tree.get(""):
        raise ValueError('the tree has no words after the prefix ""; expected {"": {word: probability, ...}, ...}.')
    live, columns, found = [((), 1.0)], [], []
    for _ in range(steps):
        column = []
        for words, p in live:
            for word, q in tree.get(" ".join(words), {}).items():
                column.append(((*words, word), p * finite_number(f"P({word!r})", q, least=0, most=1)))
        if not column:
            break
        column.sort(key=lambda candidate: -candidate[1])  # stable: of two alike the first stays first
        columns.append(column)
        kept = column[:width]
        stays = [c for c in kept if c[0][-1] == end or not tree.get(" ".join(c[0]))]
        found += stays
        live = [c for c in kept if c not in stays]
    return columns, max(found + live, key=lambda candidate: candidate[1])[0]
