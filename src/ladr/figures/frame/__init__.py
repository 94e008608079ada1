"""What all figures share: reading results (`results`, `roles`, `phases`), captions, style, and files."""
