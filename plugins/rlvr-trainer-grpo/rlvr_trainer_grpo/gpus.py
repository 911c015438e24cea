"""What the GPUs say about themselves, through nvidia-ml-py where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def gpu_gauge() -> Callable[[], Mapping[str, float]]:
    """A reading of this machine's GPUs: load, memory, and joules since the reading before.

    Without a GPU or without nvidia-ml-py each reading is empty.
    """
    try:
        nvml = import_module("pynvml")
        nvml.nvmlInit()
    except ImportError:
        return dict
    except nvml.NVMLError:
        return dict
    gpus = [nvml.nvmlDeviceGetHandleByIndex(n) for n in range(nvml.nvmlDeviceGetCount())]
    last_joules = _joules(nvml, gpus)

    def read() -> Mapping[str, float]:
        nonlocal last_joules
        memory = [nvml.nvmlDeviceGetMemoryInfo(gpu) for gpu in gpus]
        numbers = {
            "gpu/utilisation": sum(nvml.nvmlDeviceGetUtilizationRates(g).gpu for g in gpus)
            / (100 * len(gpus)),
            "gpu/memory_gb": sum(one.used for one in memory) / 1e9,
        }
        joules = _joules(nvml, gpus)
        if joules is not None and last_joules is not None:
            numbers["joules"] = joules - last_joules
        last_joules = joules
        return numbers

    return read if gpus else dict


def _joules(nvml: Any, gpus: list[Any]) -> float | None:
    """Energy since the driver was loaded; None where a GPU does not count it."""
    try:
        return float(sum(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) for gpu in gpus)) / 1000
    except nvml.NVMLError:
        return None
