#!/usr/bin/env bash
set -euo pipefail
pip install -q "${TORCH:-torch==2.13.0}"
pip install -q --require-hashes --no-deps -r requirements.lock
pip install -q --no-deps -e .
