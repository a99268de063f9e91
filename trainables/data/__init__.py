"""From files to patches: layouts, readers, case (checked), preprocess, cache, patches, augment; phantom makes files."""
