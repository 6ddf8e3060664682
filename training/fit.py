"""Train the network: batches of like length, one pass of drawn pairs after the other."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from training.model import Network, tensors, tokenizer
from training.statements import LABELS, Pair

BATCH = 64
_PLACE = {label: place for place, label in enumerate(LABELS)}


@dataclass(frozen=True, slots=True)
class Example:
    """A pair with the place of its label, or one text and whether it is lasting."""

    texts: tuple[str, ...]
    target: int


def from_pair(pair: Pair) -> Example:
    """Return the example of a pair."""
    return Example((pair.first, pair.second), _PLACE[pair.label])


def train(
    network: Network,
    passes: Sequence[Sequence[Example]],
    *,
    rate: float,
    seed: int,
    smoothing: float = 0.05,
    warm: float = 0.06,
    half: bool = False,
) -> None:
    """Fit the network to one sequence of examples a pass; the learning rate falls linearly to zero over all.

    `half`: compute in bfloat16, which takes three fifths of the time on a processor that has it.
    """
    tokens = tokenizer()
    rng = random.Random(seed)
    torch.manual_seed(seed)
    network.body.embeddings.word_embeddings.weight.requires_grad_(False)
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    batches = [batch for examples in passes for batch in _batches(examples, rng)]
    warming = max(1, int(warm * len(batches)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warming, max(0.0, 1 - step / len(batches)))
    )
    network.train()
    started, mean = time.monotonic(), 0.0
    for step, batch in enumerate(batches):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = network(**tensors(tokens, [one.texts for one in batch]))
        loss = _loss(logits.float(), batch, smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        mean = 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99:
            seconds = time.monotonic() - started
            corrected = mean / (1 - 0.98 ** (step + 1))
            print(f"  {step + 1}/{len(batches)} batches, loss {corrected:.3f}, {seconds:.0f} s", flush=True)
    network.eval()


def _loss(logits: torch.Tensor, batch: Sequence[Example], smoothing: float) -> torch.Tensor:
    targets = torch.tensor([one.target for one in batch])
    if len(batch[0].texts) == 2:
        return functional.cross_entropy(logits[:, : len(LABELS)], targets, label_smoothing=smoothing)
    soft = targets.float() * (1 - smoothing) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits[:, len(LABELS)], soft)


def _batches(examples: Sequence[Example], rng: random.Random) -> list[list[Example]]:
    """Return shuffled batches of pairs or of single texts, each of about one length."""
    batches = []
    for sides in (1, 2):
        chosen = [one for one in examples if len(one.texts) == sides]
        rng.shuffle(chosen)
        for start in range(0, len(chosen), BATCH * 50):
            window = sorted(chosen[start : start + BATCH * 50], key=lambda one: sum(map(len, one.texts)))
            batches += [window[place : place + BATCH] for place in range(0, len(window), BATCH)]
    rng.shuffle(batches)
    return batches


@torch.no_grad()  # type: ignore[untyped-decorator] # torch is not followed
def logits_of(network: Network, texts: Sequence[tuple[str, ...]], *, batch: int = 256) -> torch.Tensor:
    """Return the six logits of each pair or text (all of one sort), in order."""
    tokens = tokenizer()
    network.eval()
    order = sorted(range(len(texts)), key=lambda place: sum(map(len, texts[place])))
    rows = torch.empty(len(texts), len(LABELS) + 1)
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        rows[places] = network(**tensors(tokens, [texts[place] for place in places]))
    return rows
