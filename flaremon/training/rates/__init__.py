"""The rate map: trained on the strip of synoptic maps itself, not on disks rendered from it.

Near its passage of the central meridian every longitude of a synoptic map was really observed, so
a region and its flares of those days are an honest pair. A rotation holds about ten regions, where
disks rendered every few hours show the same ones over and over.

===========  ===============================================================================
config       what decides weights and figures, read from TOML
strip        maps to the network's grid; the same as other instruments would show it; features
located      flares with a place on the strip
members      one network per left-out group of years, by the likelihood of a Poisson process
disks        what the members say about whole disks, hour by hour, each about unseen years only
fitting      from the disk's rates and recent flares to numbers of flares in a window
resnet       a plain network for comparison
comparison   its fit: same disks, years and likelihood
kept         what it said, kept with the package
simpler      regressions on unsigned flux, recent flares and what the plain network said
beside       another package on the same hours, through the path that serves
domain       how far maps, files and pictures of one Sun differ, and what it costs
evaluate     all of them on hours nobody has seen
card         the card, from package and evaluation
recipe       all of it, to a package
===========  ===============================================================================
"""
