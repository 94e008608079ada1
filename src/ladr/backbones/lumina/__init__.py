"""Lumina-DiMOO: transformer, sequence layout and checkpoint, of the 8B model and of the embedded one."""
