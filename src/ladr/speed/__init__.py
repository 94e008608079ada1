"""What `ladr speed` measures: loop, policies, transformer, exact mixture, a device, upstream's decoder.

One module per measurement, each of which compares within one run: `loop_speed`, `policies_speed`,
`backbone_speed`, `mixture_speed`, `device_speed`. `threads` chooses how many threads torch gets. Commands
call these functions.
This room may import training, experiment and all below.
"""
