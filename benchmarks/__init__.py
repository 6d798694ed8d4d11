"""What a request costs, side by side: run ``python -m benchmarks`` (or ``make bench``)."""
