r"""`math/boxed`: is there exactly one well-formed final box?"""

from __future__ import annotations

from rlvr_ops_core import Sample, Score, reward
from rlvr_rewards_math.boxes import find_boxes
from rlvr_rewards_math.hidden import visible


@reward(inline=True)
def boxed(sample: Sample, *, only_last_line: bool = False) -> Score:
    r"""1 if the answer has exactly one `\boxed{…}`, closed and not empty; else 0.

    Args:
        sample: the answer to judge; what stands in its reasoning block doesn't count.
        only_last_line: the box must be in the last line as well.
    """
    text = visible(sample.final)
    boxes = find_boxes(text)
    if not boxes:
        return _score(0.0, "there is no box")
    if len(boxes) > 1:
        return _score(0.0, f"there are {len(boxes)} boxes")
    box = boxes[0]
    if box.content is None:
        return _score(0.0, "the box is not closed")
    if not box.content.strip():
        return _score(0.0, "the box is empty")
    if only_last_line and "\n" in text[box.end :].rstrip():
        return _score(0.0, "the box is not in the last line")
    return _score(1.0, "one box")


def _score(value: float, reason: str) -> Score:
    return Score(value, info={"reason": reason})
