"""The version of this package, which stands here alone."""

VERSION = "0.1.0"
