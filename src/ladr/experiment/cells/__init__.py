"""Cells on disk: decoded, scored, vouched for, put together in the table.

`decode` writes the tokens of cells, `score` asks their benchmarks for scores, `ceiling` scores true images,
`table` joins everything; `rows` and `record` read and write the files, `locks` and `doctor` keep them whole,
`latency` times samplers, `overview` shows the state of every cell. `official` and `official_import` are for
cells of official benchmarks by hand. Of this room the folder imports `cell` and `params`.
"""
