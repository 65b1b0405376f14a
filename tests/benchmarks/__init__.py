"""Benchmarks: fluxhttp and its peers on the same work, interleaved in one run.

See ``python -m tests.benchmarks --help`` and docs/performance.md.
"""
