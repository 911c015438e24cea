"""Judge equal answers to one task once: the answers of a group are often equal."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rlvr_ops_core.types import Sample, Verdict

CAPACITY = 16_384

Key: TypeAlias = tuple[str, str, str, str]


class VerdictMemory:
    """The latest verdicts of one reward by the content of what it judged. Threads may share it.

    Failures are not remembered: what timed out on a busy machine is tried again.
    """

    def __init__(self) -> None:
        self.verdicts: OrderedDict[Key, Verdict] = OrderedDict()
        self.lock = threading.Lock()

    def judge(
        self, samples: Sequence[Sample], score: Callable[[Sequence[Sample]], list[Verdict]]
    ) -> list[Verdict]:
        """The verdicts of all samples; `score` is asked only for contents that are new."""
        keys = [content_of(sample) for sample in samples]
        with self.lock:
            known = {key: self.verdicts[key] for key in keys if key in self.verdicts}
        new = {key: sample for key, sample in zip(keys, samples, strict=True) if key not in known}
        judged = dict(zip(new, score(list(new.values())), strict=True))
        with self.lock:
            for key in known:
                if key in self.verdicts:  # another thread may have made room of it
                    self.verdicts.move_to_end(key)
            self.verdicts |= {key: verdict for key, verdict in judged.items() if not verdict.failed}
            while len(self.verdicts) > CAPACITY:
                self.verdicts.popitem(last=False)
        found = known | judged
        return [found[key] for key in keys]


def content_of(sample: Sample) -> Key:
    """All that a verdict may depend on: the task, its answer and data, and the completion."""
    task = sample.task
    about = json.dumps([task.answer, dict(task.data)], sort_keys=True, default=repr)
    completion = sample.completion
    text = completion if isinstance(completion, str) else json.dumps(completion, default=repr)
    return task.id, f"{task.source}\n{task.prompt_text}", about, text
