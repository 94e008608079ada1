"""What `ladr speed` measures: the loop, one pass of a backbone, the mixture, a device, the upstream code.

Each module has one measurement, as a ratio within one run. It imports experiment and all below.
"""
