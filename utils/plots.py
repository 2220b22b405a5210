"""Pictures that two notebooks share, and the look of all of them.

What belongs here: the course's Matplotlib style, and a plot once a second notebook draws it. Every function draws into
given or current axes and returns them; none calls `plt.show()`.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler

from utils.arguments import finite_number

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
        ends.append((validation[-1], name, colour))
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
