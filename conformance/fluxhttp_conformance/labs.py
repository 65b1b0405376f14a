"""Which lab a target is judged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp_conformance.application_lab import ApplicationLab
from fluxhttp_conformance.lab import Lab
from fluxhttp_conformance.lenient_lab import LenientLab
from fluxhttp_conformance.memory_lab import MemoryLab

if TYPE_CHECKING:
    from fluxhttp_conformance.target import Target


def lab_for(target: Target) -> Lab:
    """The lab for a target: for a fake in memory, for what leads to an application with one, else on loopback."""
    if target.is_fake:
        return MemoryLab(target)
    if target.is_application:
        return ApplicationLab(target)
    return LenientLab(target) if target.is_lenient else Lab(target)
