"""Keys and values of the sequences in work: each in a row of its own, from column 0 on.

A sequence that joins is written into a free row and one that leaves makes room, without moving the
others: nothing is padded on the left, so a token's column is its position.
"""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = 64
"""The room is a multiple of this many tokens."""
GROWTH = 1.5
"""It grows by at least this factor: growing copies everything."""


class Slots:
    """What a model's `forward` takes as its cache. Set `write_to` before each forward."""

    is_compileable = False

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.rows = 0
        self.room = 0
        self._row_B: Tensor
        self._column_BT: Tensor
        self._upto = 0
        self._is_prefix = False

    def write_to(self, row_B: Tensor, column_BT: Tensor, *, upto: int, is_prefix: bool) -> None:
        """Where the next forward writes its T tokens a row; it reads `upto` columns.

        `is_prefix`: the rows are 0, 1, 2 …, and can be read in place.
        """
        self._row_B = row_B
        self._column_BT = column_BT
        self._upto = upto
        self._is_prefix = is_prefix

    def update(
        self, key_BHTD: Tensor, value_BHTD: Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Called by each attention layer: keep what is new, give all that may be attended to."""
        if layer == len(self.keys):
            self.keys.append(self._empty(key_BHTD))
            self.values.append(self._empty(value_BHTD))
        return (
            self._write(self.keys[layer], key_BHTD),
            self._write(self.values[layer], value_BHTD),
        )

    def reserve(self, rows: int, columns: int) -> None:
        """Have room for so many rows and columns."""
        if rows <= self.rows and columns <= self.room:
            return
        if rows > self.rows:
            self.rows = max(rows, int(self.rows * GROWTH))
        if columns > self.room:
            columns = max(columns, int(self.room * GROWTH))
            self.room = -(-columns // COLUMNS) * COLUMNS
        self.keys = [self._larger(old) for old in self.keys]
        self.values = [self._larger(old) for old in self.values]

    def copy(self, source: int, target: int, columns: int) -> None:
        """Copy the first columns of a row over those of another."""
        if not columns:
            return
        for tensor in (*self.keys, *self.values):
            tensor[target, :, :columns] = tensor[source, :, :columns]

    def release(self) -> None:
        """Give the memory back; nothing is in work."""
        self.keys, self.values, self.rows, self.room = [], [], 0, 0

    def get_seq_length(self, layer: int = 0) -> int:
        """Columns that are read; models ask when they are not told positions."""
        del layer
        return self._upto

    def _write(self, kept_RHLD: Tensor, new_BHTD: Tensor) -> Tensor:
        kept_RHLD[self._row_B[:, None], :, self._column_BT] = new_BHTD.transpose(1, 2)
        if self._is_prefix:
            return kept_RHLD[: len(self._row_B), :, : self._upto]
        return kept_RHLD[:, :, : self._upto].index_select(0, self._row_B)

    def _empty(self, like_BHTD: Tensor) -> Tensor:
        _, heads, _, width = like_BHTD.shape
        # zeros: what is masked out is multiplied by 0, and 0 times a stray NaN is NaN
        return like_BHTD.new_zeros(self.rows, heads, self.room, width)

    def _larger(self, old_RHLD: Tensor) -> Tensor:
        rows, heads, columns, width = old_RHLD.shape
        new_RHLD = old_RHLD.new_zeros(self.rows, heads, self.room, width)
        new_RHLD[:rows, :, :columns] = old_RHLD
        return new_RHLD
