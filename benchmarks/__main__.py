"""All benchmarks, one after the other: `make bench`."""

from benchmarks import kernel, phases

kernel.main()
phases.main()
