"""A text classifier from scratch: hashed word n-grams, and logistic regression on them.

Every word and every pair of neighbours is hashed to one of 2^18 numbered buckets, so there is no
vocabulary to keep. A page is a vector x with x_i = sqrt(how often bucket i was hit / hits in all),
whose length is 1. A label's score is the sum of x_i times a weight that was learned for the label
and the bucket; softmax makes probabilities of the scores, a temperature makes them honest.

Hashing: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning",
arXiv:0902.2206. The recipe (word pairs, linear model, falling learning rate): Joulin et al. 2016,
"Bag of Tricks for Efficient Text Classification", arXiv:1607.01759.

Shapes: B buckets, C labels, S distinct buckets that a page hits.
Taught in ch01_data/04_text_classifiers.ipynb.
Needs: _ngram_hits.py, calibration.py, verdict.py, safetensors.
"""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ._ngram_hits import Pieces, buckets, cut, stretches
from .calibration import fit_temperature
from .verdict import Verdict, Words, split_words

# Weights are kept as multiples of this, so that a last bit in which two machines differ is gone.
_GRID = 2.0**-12
_FORMAT = "text classifier 1"

_Example = tuple[np.ndarray, np.ndarray, int]  # buckets (S,), values (S,), the label's number


@dataclass(frozen=True, eq=False)
class TextClassifier:
    """A linear model over hashed words and word pairs; made by `train` or `load`.

    labels: C names. weights: (B, C) float32. bias: (C,) float32. temperature: divides the scores.

    >>> texts = ["you rotten toad", "a red kite", "you rotten egg", "a kind baker"] * 9
    >>> model = TextClassifier.train(texts, ["rude", "kind"] * 18, num_buckets=1024)
    >>> model.predict("my rotten luck")[0], model.evidence("my rotten luck", top=1)[0][0]
    ('rude', 'rotten')
    """

    labels: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    temperature: float = 1.0

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Words],
        labels: Iterable[str],
        *,
        num_buckets: int = 2**18,
        window_words: int = 30,
        epochs: int = 2,
        learning_rate: float = 4.0,
        calibration_share: float = 0.2,
        seed: int = 0,
    ) -> "TextClassifier":
        """Learn from labelled texts; the temperature is fitted on a share of them held back.

        A text is cut into windows of `window_words`, each with the label of the whole: a page has a
        dozen giveaways and needs one, a window must do with what it has, so the model learns more
        of them. Stochastic gradient descent, a window a step, at a learning rate that falls to 0.
        Same texts and seed, same weights. With calibration_share 0 the temperature is 1.
        Cost: about 1 ms for a text of 800 words; memory: the hashes of all, and 8 B C bytes.

        Raises:
            ValueError: counts that differ, fewer than two labels, no power of two, no text left to
                learn from, a learning rate that is not positive and finite.
        """
        names = list(labels)
        size = window_words
        pages = [cut(split_words(text).words, size, size, num_buckets) for text in texts]
        if len(pages) != len(names):
            raise ValueError(f"{len(pages)} texts do not fit {len(names)} labels")
        distinct = tuple(sorted(set(names)))
        if epochs < 1:
            raise ValueError(f"epochs must be at least 1, not {epochs}")
        if not 0 <= calibration_share < 1:
            raise ValueError(f"calibration_share lies in [0, 1), not at {calibration_share}")
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, not {learning_rate}")
        if len(distinct) < 2:
            raise ValueError(f"a classifier needs two labels or more, not {len(distinct)}")
        dice = Random(seed)
        order = dice.sample(range(len(pages)), len(pages))
        num_held_back = round(calibration_share * len(pages))
        held_back, kept = order[:num_held_back], order[num_held_back:]
        if not kept:
            raise ValueError(f"calibration_share {calibration_share} of {len(pages)} texts is all")
        weights = np.zeros((num_buckets, len(distinct)))
        # A page of unknown n-grams gets the shares of the labels, whatever the windows are like.
        bias = _on_grid(np.log([names.count(name) / len(names) for name in distinct]))
        targets = [distinct.index(name) for name in names]
        examples = [(*vector, targets[i]) for i in kept for vector in pages[i].split()]
        _descend(weights, bias.astype(np.float64), examples, epochs, learning_rate, dice)
        model = cls(distinct, _on_grid(weights), bias)
        if not held_back:
            return model
        scores = np.concatenate([model._scores(pages[i]) for i in held_back])
        temperature = fit_temperature(
            scores, np.repeat([targets[i] for i in held_back], [pages[i].count for i in held_back])
        )
        return cls(distinct, model.weights, model.bias, temperature)

    def predict(self, text: str | Words) -> tuple[str, float]:
        """The most probable label and its probability. Cost: 0.3 ms for 800 words, once split."""
        chances = self.probabilities(text)
        label = max(chances, key=chances.__getitem__)
        return label, chances[label]

    def probabilities(self, text: str | Words) -> dict[str, float]:
        """The probability of every label, to six digits; they sum to 1."""
        return dict(zip(self.labels, self._chances(self.scores(text)), strict=True))

    def highest(self, text: str | Words, label: str, *, window_words: int = 200) -> float:
        """The probability of a label in the stretch of `window_words` that has most of it.

        Stretches overlap by half. A page of advertising behind half a page of a stolen story is an
        average page as a whole, and its second half is advertising.
        """
        column = self._column(label)
        scores = self._scores(stretches(split_words(text), window_words, len(self.weights)))
        return max(self._chances(row)[column] for row in scores)

    def scores(self, text: str | Words) -> np.ndarray:
        """The score of each label before temperature and softmax, (C,) float64, in nats."""
        return self._scores(self._whole(split_words(text)))[0]

    def evidence(
        self, text: str | Words, *, label: str | None = None, top: int = 10
    ) -> list[tuple[str, float]]:
        """The n-grams that speak most for a label (the predicted one), and by how many nats.

        What an n-gram adds to the label's score, minus what it adds to the others on average.
        N-grams that share a bucket share its weight, one of another text too: look twice.
        """
        page = split_words(text)
        column = self._column(label or self.predict(page)[0])
        vector = self._whole(page)
        rows = vector.values[:, None] * self.weights[vector.ids]
        nats = rows[:, column] - (rows.sum(1) - rows[:, column]) / (len(self.labels) - 1)
        speaks = dict(zip(vector.ids.tolist(), nats.tolist(), strict=True))
        pairs = [" ".join(pair) for pair in zip(page.words, page.words[1:], strict=False)]
        grams = page.words + pairs
        places = np.concatenate(buckets(page.words, len(self.weights))).tolist()
        found = {gram: speaks[bucket] for gram, bucket in zip(grams, places, strict=True)}
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top]

    def save(self, path: str | Path) -> None:
        """Write one safetensors file, whose header says what it is; the same model, the same bytes.

        The file appears when it is complete; FileNotFoundError where there is no folder for it.
        """
        if not Path(path).parent.is_dir():
            raise FileNotFoundError(f"there is no folder {Path(path).parent} to save in")
        header = {"format": _FORMAT, "labels": self.labels, "temperature": self.temperature}
        part = Path(f"{path}.{os.getpid()}.part")
        tensors = {"weights": self.weights, "bias": self.bias}
        try:
            save_file(tensors, part, metadata={"classifier": json.dumps(header)})
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> "TextClassifier":
        """Read what `save` wrote; executes nothing. ValueError for any other file."""
        try:
            with safe_open(path, "numpy") as file:
                header = json.loads((file.metadata() or {})["classifier"])
                weights, bias = file.get_tensor("weights"), file.get_tensor("bias")
            labels = tuple(header["labels"])
            if header["format"] != _FORMAT:
                raise ValueError(f"its format is {header['format']!r}")
            if not (len(labels),) == weights.shape[1:] == bias.shape:
                raise ValueError(f"{len(labels)} labels for weights of shape {weights.shape}")
            if not 0 < (temperature := float(header["temperature"])) < math.inf:
                raise ValueError(f"its temperature is {temperature}")
            if not np.isfinite(weights).all() or not np.isfinite(bias).all():
                raise ValueError("its weights are not finite")
            return cls(labels, weights, bias, temperature)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{Path(path).name} is no {_FORMAT}: {error}") from error

    def _whole(self, page: Words) -> Pieces:
        """A page taken as one piece."""
        return stretches(page, max(2, len(page.words)), len(self.weights))

    def _scores(self, pieces: Pieces) -> np.ndarray:
        """Scores of each piece, (P, C) float64."""
        return pieces.scores(self.weights) + self.bias

    def _chances(self, scores: np.ndarray) -> list[float]:
        """Softmax of scores over the temperature, rounded so that every machine agrees."""
        return [round(chance, 6) for chance in _softmax(scores / self.temperature).tolist()]

    def _column(self, label: str) -> int:
        if label not in self.labels:
            raise ValueError(f"label {label!r} must be one of {', '.join(self.labels)}")
        return self.labels.index(label)


def classifier_filter(
    text: str | Words,
    classifier: TextClassifier,
    *,
    label: str,
    max_probability: float = 0.5,
    window_words: int = 200,
) -> Verdict:
    """Keep a page with no stretch of `window_words` that has `label` with a higher probability.

    Cost: 0.3 ms for 800 words, once split, and 0.1 ms for each further classifier on the same page.

    >>> model = TextClassifier.train(["buy now", "a red kite"], ["spam", "other"], num_buckets=64)
    >>> classifier_filter("buy it now", model, label="spam").rule
    'spam.max_probability'
    """
    value = classifier.highest(text, label, window_words=window_words)
    return Verdict.at_most(f"{label}.max_probability", value, max_probability)


def _descend(
    weights: np.ndarray,
    bias: np.ndarray,
    examples: list[_Example],
    epochs: int,
    learning_rate: float,
    dice: Random,
) -> None:
    """Gradient descent on the cross-entropy, in place on the weights, an example a step."""
    total, step = epochs * len(examples), 0
    for _ in range(epochs):
        for ids, values, target in dice.sample(examples, len(examples)):
            error = _softmax(_dot(values, weights[ids]) + bias)
            error[target] -= 1
            error *= learning_rate * (1 - step / total)
            weights[ids] -= values[:, None] * error
            step += 1


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = [math.exp(score) for score in (scores - scores.max()).tolist()]
    return np.array(weights) / math.fsum(weights)


def _dot(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum of rows (S, C), each times its value, added in order: the same on every machine."""
    return (values[:, None] * rows).sum(0)


def _on_grid(weights: np.ndarray) -> np.ndarray:
    return (np.round(weights / _GRID) * _GRID).astype(np.float32)
