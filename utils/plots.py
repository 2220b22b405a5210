"""Pictures that two notebooks share, and the look of all of them.

What belongs here: the course's Matplotlib style, and a plot once a second notebook draws it. Every function draws into
given or current axes; only `show` sends a picture to the reader.
"""

import base64
import html
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.colors import LogNorm, Normalize, to_rgb
from PIL import Image

from utils import entrance, persian
from utils.arguments import finite_number, whole_number

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Colours that the colour-blind tell apart (Okabe and Ito, 2008), the darker ones first for grey printing."""

INK = ("#0072B2", "#923F02", "#026F50", "#B24E89", "#024867", "#9A6A02")
"""For letters on white beside a line of COLOURS, one to one: the same hue, dark enough for a contrast of 4.5:1 (WCAG
2.2, 1.4.3). Some are darkened more than others, so that the colour-blind tell them apart, if less well than COLOURS."""

LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
"""Line styles that go with COLOURS, one to one, so that a grey print still tells the lines apart."""


def use_course_style() -> None:
    """Set Matplotlib's defaults for the course.

    Pictures are 7 by 3 inches on white, without a box; lines take `COLOURS` and `LINES` in step; titles begin at the
    left. No letters are smaller than 9 points: titles have 11, labels of axes 10, ticks and legends 9. Maps are drawn
    in `cividis`, which the colour-blind, and readers of a grey print, see as a scale. Files, and what `show` stores,
    have two pixels for each one on the page, so that letters are sharp.
    """
    mpl.rcParams.update(
        {
            "figure.figsize": (7, 3),
            "figure.dpi": 100,
            "figure.facecolor": "white",  # letters stay legible in a dark JupyterLab
            "figure.constrained_layout.use": True,
            "figure.titlesize": 11,
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "legend.title_fontsize": 9,
            "legend.frameon": False,
            "image.cmap": "cividis",
            "savefig.dpi": 200,
            "savefig.bbox": "tight",
        }
    )


def show(alt: str) -> None:
    """Show the figure that was drawn, with words for those who do not see it, and close it.

    In a notebook the words travel with the picture: as `alt` in the metadata of the image, as its plain text, and as a
    paragraph that only screen readers find. Elsewhere a window opens if Matplotlib has one.

    Parameters
    ----------
    alt : str
        What a reader needs who cannot see the picture, in a sentence or two: what is drawn, and what it shows. Line
        breaks in it do not matter.

    Raises
    ------
    TypeError
        If `alt` is no string.
    ValueError
        If `alt` is shorter than 20 characters.
    RuntimeError
        Unless exactly one figure is open.
    """
    alt = _sentence(alt)
    if (count := len(plt.get_fignums())) != 1:
        raise RuntimeError(
            f"{count} figures are open; show(alt) shows exactly one. Draw it in the same cell, and show or close it "
            "before you draw the next."
        )
    figure = plt.gcf()
    try:
        if hasattr(entrance.shell(), "kernel"):
            _display(figure, alt)
        elif figure.canvas.required_interactive_framework:  # a window; without one there is nothing to show
            plt.show()
    finally:
        plt.close(figure)


def _sentence(alt) -> str:
    """Return a text alternative on one line. Raises TypeError or ValueError if it says nothing."""
    expected = "expected a sentence, of 20 characters or more, that says what the picture shows."
    if not isinstance(alt, str):
        raise TypeError(f"alt is {alt!r}; {expected}")
    alt = " ".join(alt.split())
    if len(alt) < 20:
        raise ValueError(f"alt is {alt!r}; {expected}")
    return alt


def _display(figure, alt: str) -> None:
    """Send a figure and its words to the notebook."""
    png, width, height = _png(figure)
    send(png, alt, width=width, height=height)


def send(png: bytes, alt: str, **size: int) -> None:
    """Show a PNG in a notebook, with words for those who do not see it.

    Parameters
    ----------
    png : bytes
        The picture.
    alt : str
        What it shows. It is stored as `alt` in the metadata of the image and as its plain text, and shown to screen
        readers alone as a text of its own: JupyterLab (4.6) and nbconvert's default page (7.17) drop `alt`.
    **size : int
        The width, and the height, at which it is shown, in pixels of the page.
    """
    from IPython.display import display

    # The class is JupyterLab's, which strips the style from a notebook it does not trust.
    words = f'<p class="jp-sr-only" style="{_UNSEEN}">Picture: {html.escape(alt)}</p>'
    display({"text/html": words, "text/plain": ""}, raw=True)
    picture = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt}
    display(picture, metadata={"image/png": {"alt": alt, **size}}, raw=True)


_UNSEEN = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"


def _png(figure) -> tuple[bytes, int, int]:
    """Return a figure as PNG, with the width and height at which it is shown: half of its pixels, for sharp letters.

    With 256 colours, chosen for this picture, it takes a third of the bytes. Where colours are a scale, as in a map, it
    has all of them, for fewer would show as steps.
    """
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    image = Image.open(drawn).convert("RGB")
    if not figure.findobj(lambda artist: hasattr(artist, "get_array") and artist.get_array() is not None):
        image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(stored, "png", optimize=True)
    return stored.getvalue(), image.width // 2, image.height // 2


def loss_curves(histories, baseline=None, ax=None, *, scale=1.0, baseline_label="baseline", ylim=None):
    """Draw the losses of several trainings against the epoch: validation as lines, training as small dots.

    Each line is labelled at its right end.

    Parameters
    ----------
    histories : dict
        By name, a Keras `History` each, or its dict with `loss` and `val_loss` (one value an epoch).
    baseline : float, optional
        An error that needs no training, in the units of the loss, drawn as a dashed horizontal line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes unless given.
    scale : float
        What one unit of the loss is worth, for example the standard deviation in degC.
    baseline_label : str
        What stands at the end of the dashed line.
    ylim : (float, float), optional
        The range drawn, in the units drawn; a first epoch far off would flatten all others.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; the caller names units and title.

    Raises
    ------
    TypeError
        If `scale` or `baseline` is no number.
    ValueError
        If there is nothing to draw, a history has no `loss` or `val_loss`, or a number is NaN or infinite.
    """
    scale = finite_number("scale", scale)
    baseline = None if baseline is None else finite_number("baseline", baseline)
    if not histories:
        raise ValueError("histories is empty; expected at least one training by its name.")
    for name, history in histories.items():
        losses = getattr(history, "history", history)
        if not all(len(losses.get(key, ())) for key in ("loss", "val_loss")):
            raise ValueError(
                f"the history of {name!r} has {sorted(losses)}; expected loss and val_loss, one value an epoch. Did "
                "fit get validation_data?"
            )
    ax = ax or plt.gca()
    ends = []
    for k, (name, history) in enumerate(histories.items()):
        losses = getattr(history, "history", history)
        training, validation = (scale * np.asarray(losses[key]) for key in ("loss", "val_loss"))
        epochs, colour = np.arange(1, len(training) + 1), COLOURS[k % len(COLOURS)]
        ax.plot(epochs, training, ".", color=colour, alpha=0.55)
        ax.plot(epochs, validation, color=colour, linestyle=LINES[k % len(LINES)], marker="", zorder=3)
        ends.append((validation[-1], name, INK[k % len(INK)]))
    if baseline is not None:
        ax.axhline(scale * baseline, color="0.4", linestyle=(0, (6, 4)), linewidth=1)
        ends.append((scale * baseline, baseline_label, "0.35"))
    if ylim is not None:
        ax.set_ylim(ylim)
    low, high = ax.get_ylim()
    last = -np.inf
    for value, text, colour in sorted(ends):
        last = max(np.clip(value, low, high), last + (high - low) / 12)  # lines that end together: labels side by side
        ax.text(1.01, last, text, transform=ax.get_yaxis_transform(), color=colour, va="center", fontsize=9)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("epoch (dots: training, lines: validation)")
    return ax


def heatmap(values, rows=None, columns=None, ax=None, *, label="weight", limits=(0, 1), log=False, numbers=None):
    """Draw a table of numbers as a map of colours: weights of attention, states over time, similarities of words.

    Labels in Persian are shaped, and columns that read from the right begin on the right.

    Parameters
    ----------
    values : array_like
        The numbers, (rows, columns). What is NaN, or not positive on a logarithmic scale, stays blank.
    rows, columns : sequence of str, optional
        A label for each row (from the top) and each column. Without them the axes count.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes unless given.
    label : str or None
        What the colours mean, beside the colour bar. None draws no bar, for panels that share one:
        ``figure.colorbar(image, ax=axes, label="weight")``.
    limits : (float, float)
        The values at the two ends of the scale. Ends such as (-1, 1) take a map of two hues with white in the middle,
        all others the one map of the course.
    log : bool
        A logarithmic scale; both limits are positive.
    numbers : str, optional
        A format, for example ".2f": each cell shows its number, in black or white by what is legible on its colour.

    Returns
    -------
    matplotlib.image.AxesImage
        The map; its `axes` are the axes drawn into, for a title and names of the axes.

    Raises
    ------
    TypeError
        If a limit is no number, or a label no string.
    ValueError
        For values that are no table, labels of another number, or limits that are not in rising order.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"values has shape {values.shape}; expected (rows, columns).")
    for name, labels, size in (("rows", rows, len(values)), ("columns", columns, values.shape[1])):
        if labels is not None and len(labels) != size:
            raise ValueError(f"{name} has {len(labels)} labels for {size} {name}; expected one each.")
    low, high = (finite_number("a limit", limit) for limit in limits)
    if low >= high or (log and low <= 0):
        raise ValueError(f"limits is {limits}; expected a low and a high end{', both positive' if log else ''}.")
    ax = ax or plt.gca()
    if columns is not None:
        order = persian.visual_order(columns)
        values, columns = values[:, order], [columns[k] for k in order]
    shown = np.ma.masked_where(~(values > 0) if log else np.isnan(values), values)
    image = ax.imshow(
        shown,
        norm=(LogNorm if log else Normalize)(low, high),
        cmap="RdBu_r" if low == -high else mpl.rcParams["image.cmap"],
        aspect="auto",
        interpolation="nearest",
    )
    ax.spines[:].set_visible(False)
    for axis, labels in ((ax.xaxis, columns), (ax.yaxis, rows)):
        if labels is None:
            axis.get_major_locator().set_params(integer=True)
        else:
            axis.set_ticks(range(len(labels)), [persian.shape(text) for text in labels])
            axis.set_tick_params(length=0)
    if numbers is not None:
        for (i, j), value in np.ma.ndenumerate(shown):
            colour = "white" if _luminance(image.cmap(image.norm(value))) < 0.18 else "black"
            ax.text(j, i, f"{value:{numbers}}", ha="center", va="center", color=colour)
    if label is not None:
        outside = bool(shown.min() < low), bool(shown.max() > high)
        ends = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}
        ax.figure.colorbar(image, ax=ax, label=label, pad=0.02, extend=ends[outside])
    return image


def _luminance(colour) -> float:
    """Return the relative luminance of a colour, from 0 to 1 (WCAG 2.2)."""
    parts = np.asarray(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def eigenvalues_on_circle(eigenvalues, ax=None):
    """Draw eigenvalues on the complex plane with the unit circle: dots inside and on it, triangles outside.

    What lies inside the circle fades in powers of the matrix, what lies outside explodes.

    Parameters
    ----------
    eigenvalues : array_like
        Complex or real, (n,).
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes unless given.

    Returns
    -------
    matplotlib.axes.Axes
        Both of equal scale, real and imaginary part labelled; the caller sets the title.

    Raises
    ------
    ValueError
        For anything but a row of finite numbers.
    """
    values = np.asarray(eigenvalues)
    if values.ndim != 1 or values.dtype.kind not in "fiuc" or not np.isfinite(values).all():
        raise ValueError(
            f"expected finite eigenvalues (n,), got shape {values.shape} and type {values.dtype}, or NaN or infinite "
            "values."
        )
    ax = ax or plt.gca()
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(angle), np.sin(angle), color="0.6", linewidth=1, linestyle="-")
    outside = np.abs(values) > 1 + 1e-9
    for which, marker, size, colour in ((~outside, "o", 3, COLOURS[0]), (outside, "^", 4, COLOURS[1])):
        ax.plot(values[which].real, values[which].imag, marker, ms=size, color=colour, linestyle="none")
    ax.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    return ax


# ----------------------------------------------------------------------------------------------------------- films

FILM_BYTES = 100_000
"""What a film may take in a notebook, in bytes of GIF."""


def film_strip(clips, names=None, ax=None, *, columns=None, limits=(0, 255), cmap="gray"):
    """Draw clips as rows of frames, from left to right in time: what a page that does not move can show.

    Parameters
    ----------
    clips : array_like
        One clip, (frames, height, width), or several, (clips, frames, height, width), one a row. In colour, with a last
        axis of 3, only uint8.
    names : sequence of str, optional
        A name for each clip, at the left of its row.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes unless given.
    columns : sequence, optional
        What stands above each frame; 1, 2, 3, ... unless given.
    limits : (float, float)
        The values that are drawn darkest and brightest.
    cmap : str
        The map of colours for clips without colour.

    Returns
    -------
    matplotlib.image.AxesImage
        The strip; `axes` is where it stands, for a title and, with a colour bar, other `limits` and `cmap`.

    Raises
    ------
    TypeError
        If a limit is no number.
    ValueError
        For arrays of another shape, names or columns of another number, or limits that are not in rising order.
    """
    clips = _clips(clips)
    num_clips, num_frames, height, width = clips.shape[:4]
    labels = list(range(1, num_frames + 1)) if columns is None else columns
    for what, given, size in (("names", names, num_clips), ("columns", labels, num_frames)):
        if given is not None and len(given) != size:
            raise ValueError(f"{what} has {len(given)} labels for clips of shape {clips.shape}; expected {size}.")
    low, high = (finite_number("a limit", limit) for limit in limits)
    if low >= high:
        raise ValueError(f"limits is {limits}; expected a low and a high end.")
    ax = ax or plt.gca()
    gap = max(1, width // 12)
    shape = (num_clips * (height + gap) - gap, num_frames * (width + gap) - gap, *clips.shape[4:])
    strip = np.full(shape, 255, np.uint8) if clips.ndim == 5 else np.full(shape, np.nan)
    for row, clip in enumerate(clips):
        for column, frame in enumerate(clip):
            top, left = row * (height + gap), column * (width + gap)
            strip[top : top + height, left : left + width] = frame
    image = ax.imshow(strip, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")  # NaN, the gaps, stays blank
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(num_frames) * (width + gap) + (width - 1) / 2, labels)
    ax.set_yticks(
        np.arange(num_clips) * (height + gap) + (height - 1) / 2, [""] * num_clips if names is None else names
    )
    ax.tick_params(length=0)
    return image


def film(clips, *, alt: str, fps: float = 5, scale: int | None = None) -> None:
    """Show clips as a film that plays in the page: in JupyterLab, in Colab, and without a kernel or a network.

    It is a GIF inside of HTML, and repeats itself until the reader folds it away. Where pages of notebooks are shown
    without it, a `film_strip` beside it has to do.

    Parameters
    ----------
    clips : array_like
        uint8: one clip, (frames, height, width), or several, (clips, frames, height, width), which play side by side.
        In colour with a last axis of 3.
    alt : str
        What a reader needs who cannot see the film, in a sentence or two.
    fps : float
        Frames a second, 0.2 to 50. A GIF counts in hundredths of a second; a film that changes more often than three
        times a second should not flash.
    scale : int, optional
        How many pixels of the page each pixel takes in both directions; unless given, as many as make the film about
        150 pixels high, or 680 wide.

    Raises
    ------
    TypeError
        If the clips are not uint8, or `alt` or a number is of the wrong type.
    ValueError
        For another shape, a number out of range, a short `alt`, or a film of more than `FILM_BYTES`.
    """
    alt = _sentence(alt)
    clips = _clips(clips)
    if clips.dtype != np.uint8:
        raise TypeError(f"clips is of type {clips.dtype}; a film takes grey levels or colours from 0 to 255 as uint8.")
    fps = finite_number("fps", fps, least=0.2, most=50)
    num_clips, num_frames, height, width = clips.shape[:4]
    if scale is None:
        scale = max(1, min(150 // height, 680 // (num_clips * width)))
    scale = whole_number("scale", scale, least=1)
    gap = max(1, width // 8)
    frames = np.full((num_frames, height, num_clips * (width + gap) - gap, *clips.shape[4:]), 255, np.uint8)
    for k, clip in enumerate(clips):
        frames[:, :, k * (width + gap) : k * (width + gap) + width] = clip
    for stored in range(min(scale, 3), 0, -1):  # 3: enough for edges that stay clear where a page drops the style below
        gif = _gif(frames.repeat(stored, axis=1).repeat(stored, axis=2), round(1000 / fps))
        if len(gif) <= FILM_BYTES:
            break
    else:
        raise ValueError(
            f"the film takes {len(gif):,} bytes; at most {FILM_BYTES:,} are stored: show less of the clips."
        )
    if hasattr(entrance.shell(), "kernel"):
        _send_film(gif, alt, width=scale * frames.shape[2], height=scale * height)


def _clips(clips) -> np.ndarray:
    """Return one or several clips as (clips, frames, height, width) or, in colour, with a last axis of 3."""
    clips = np.asarray(clips)
    colour = clips.ndim >= 4 and clips.shape[-1] == 3 and clips.dtype == np.uint8
    if clips.ndim == 3 + colour:
        clips = clips[None]
    if clips.ndim != 4 + colour or not clips.size:
        raise ValueError(
            f"clips has shape {clips.shape}; expected (frames, height, width) or (clips, frames, height, width), in "
            "colour with a last axis of 3, as uint8."
        )
    return clips


def _gif(frames: np.ndarray, milliseconds: int) -> bytes:
    """Return frames, uint8 in grey or colour, as a GIF without end."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    if frames.ndim == 4:  # one palette for all, so that a colour does not flicker
        palette = Image.fromarray(frames.reshape(-1, *frames.shape[2:])).quantize(256, dither=Image.Dither.NONE)
        first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in (first, *others)]
    stored = io.BytesIO()
    first.save(stored, "gif", save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=False)
    return stored.getvalue()


def _send_film(gif: bytes, alt: str, **size: int) -> None:
    """Show a GIF in a notebook, in a box that a reader can fold away (WCAG 2.2, 2.2.2: what moves can be stopped)."""
    from IPython.display import display

    source = f"data:image/gif;base64,{base64.b64encode(gif).decode('ascii')}"
    shown = " ".join(f'{name}="{pixels}"' for name, pixels in size.items())
    image = f'<img alt="{html.escape(alt)}" {shown} style="image-rendering: pixelated" src="{source}">'
    box = f"<details open><summary>Film (fold to stop)</summary>{image}</details>"
    display({"text/html": box, "text/plain": f"Film: {alt}"}, raw=True)
