"""What it runs on: cores, memory, versions."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import fluxhttp

try:
    import resource  # counts microseconds, where os.times() counts hundredths of a second
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_PEERS = (
    "urllib3",
    "requests",
    "httpx",
    "httpcore",
    "h11",
    "aiohttp",
    "pycurl",
    "niquests",
    "responses",
    "requests-mock",
    "respx",
    "pytest-httpx",
)


def cores() -> tuple[int | None, int | None]:
    """One core for the client and another for the origin; None where there is no choice."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[-1]) if len(free) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Keeps this process on one core; None leaves it alone."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def forget_proxies() -> None:
    """Takes proxies out of the environment: every client is to go straight to the origin."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]


def resident_bytes(kind: str = "VmRSS") -> int | None:
    """Memory of this process now, or at its peak (``VmHWM``); None where the system does not tell."""
    try:
        found = re.search(rf"^{kind}:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def forget_peak() -> bool:
    """Sets the peak back to what is resident now; False where the system does not let us."""
    try:
        _CLEAR_REFS.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def children_seconds() -> float:
    """Processor time of all child processes that ended."""
    if resource is None:
        times = os.times()
        return times.children_user + times.children_system
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def versions() -> dict[str, str]:
    """The versions of everything that takes part, where it is installed."""
    found = {"python": platform.python_version(), "fluxhttp": fluxhttp.__version__}
    for name in _PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def description() -> dict[str, str | int]:
    """The machine, as far as it says something about the figures."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "implementation": platform.python_implementation(),
        "cores": os.cpu_count() or 1,
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
    }
