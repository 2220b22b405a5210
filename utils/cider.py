"""CIDEr-D: how much a caption resembles what several people wrote of the same picture.

What belongs here: this one measure, which `25_image_captioning` uses beside BLEU (sacrebleu). Written from the paper:
pycocoevalcap had its last release in 2020, and aac-metrics, which is maintained, needs PyTorch.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from utils.arguments import finite_number, whole_number


class CiderD:
    """CIDEr-D with the document frequencies of some set of references.

    A caption is taken as a vector for each n from 1 to 4: the counts of its n-grams, each multiplied by the logarithm
    of how rare it is, over all pictures. The score is the mean over n of a clipped cosine between the vector of a
    candidate and that of a reference, times a Gaussian penalty on the difference of their lengths, averaged over the
    references, times 10.

    Parameters
    ----------
    references : sequence of sequence of str
        For each picture its references, words parted by spaces (tokenised beforehand, without punctuation).
    max_order : int
        The longest n-gram, 4 in the paper.
    sigma : float
        Width of the penalty on length, in words; 6 in the paper.

    Raises
    ------
    TypeError
        For a picture whose references are one string instead of several.
    ValueError
        For no picture, or one without references.

    Notes
    -----
    With g^n the vectors (counts of the n-grams times log(pictures / pictures with the n-gram)), the similarity of a
    candidate c and a reference r is sum_w min(g_w(c), g_w(r)) g_w(r) / (|g(c)| |g(r)|). An n-gram that no reference
    has counts as if one picture had it. With a single picture all logarithms are 0, and so is the score.

    References
    ----------
    R. Vedantam, C. L. Zitnick, D. Parikh (2015), "CIDEr: Consensus-based image description evaluation", CVPR,
    4566-4575, section 5 (CIDEr-D); arXiv:1411.5726.
    """

    def __init__(self, references: Sequence[Sequence[str]], max_order: int = 4, sigma: float = 6.0):
        """Count in how many pictures each n-gram occurs."""
        self.max_order = whole_number("max_order", max_order, least=1)
        self.sigma = finite_number("sigma", sigma, least=1e-6)
        for number, texts in enumerate(references):
            if isinstance(texts, str):
                raise TypeError(f"the references of picture {number} are one string; expected a list of captions.")
            if not len(texts):
                raise ValueError(f"picture {number} has no references; expected one or more captions.")
        if not len(references):
            raise ValueError("there are no pictures; expected a list of captions for each.")
        self._seen: Counter = Counter()
        for texts in references:
            self._seen.update({gram for text in texts for gram in _grams(text.split(), self.max_order)})
        self._log_pictures = math.log(len(references))

    def scores(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        """Return the score of each caption against the references of its picture, 0 to 10.

        Parameters
        ----------
        candidates : sequence of str
            A caption a picture, tokenised as the references are.
        references : sequence of sequence of str
            The captions to compare it with, one or more a picture.

        Returns
        -------
        numpy.ndarray
            float64 (pictures,). Their mean is the figure that papers report, in some of them times 100.

        Raises
        ------
        ValueError
            If there are not as many candidates as pictures, or a picture has no reference.
        """
        if len(candidates) != len(references) or not all(len(texts) for texts in references):
            raise ValueError(
                f"there are {len(candidates)} candidates and {len(references)} lists of references; expected one list, "
                "with a reference or more, for each candidate."
            )
        return np.array([self._score(text, texts) for text, texts in zip(candidates, references)])

    def _score(self, candidate: str, references: Sequence[str]) -> float:
        mine, my_norms, my_length = self._vector(candidate)
        total = 0.0
        for reference in references:
            theirs, norms, length = self._vector(reference)
            similar = np.zeros(self.max_order)
            for gram, weight in mine.items():
                if gram in theirs:
                    similar[len(gram) - 1] += min(weight, theirs[gram]) * theirs[gram]
            scale = my_norms * norms
            cosines = np.divide(similar, scale, out=np.zeros_like(similar), where=scale > 0)
            total += cosines.mean() * math.exp(-((my_length - length) ** 2) / (2 * self.sigma**2))
        return 10 * total / len(references)

    def _vector(self, text: str) -> tuple[dict, np.ndarray, int]:
        """Return the weights of the n-grams of a text, the norm for each n, and its length in words."""
        words = text.split()
        weights = {
            gram: count * (self._log_pictures - math.log(max(1, self._seen[gram])))
            for gram, count in _grams(words, self.max_order).items()
        }
        squares = np.zeros(self.max_order)
        for gram, weight in weights.items():
            squares[len(gram) - 1] += weight**2
        return weights, np.sqrt(squares), len(words)


def _grams(words: list[str], max_order: int) -> Counter:
    return Counter(
        tuple(words[at : at + order]) for order in range(1, max_order + 1) for at in range(len(words) - order + 1)
    )
