"""The plugins that come with the core, loaded through the same door as anybody's."""
