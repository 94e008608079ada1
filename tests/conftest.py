"""One thread per process, so that the suite shares a machine and sums come out the same everywhere."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
