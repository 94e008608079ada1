"""aMUSEd through diffusers: its network as a backbone, and its text encoder."""
