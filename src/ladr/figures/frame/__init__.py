"""What all figures share: reading results, style, captions, files."""
