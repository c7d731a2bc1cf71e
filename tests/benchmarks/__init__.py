"""Measurements: ratios against baselines that run in the same minutes on the same machine.

    python -m tests.benchmarks [NAME …] [--small] [--wagtail PYTHON] [--plot FILE]

Each module here with a function `figures(small)` is a benchmark; it yields what it found as `Figure`s. A table is
printed, the results are kept in var/benchmarks/NAME.json.
"""
