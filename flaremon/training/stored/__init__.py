"""Training on a machine's own history: archived frames, and the stored flare list.

What a model learned from maps, and what it says of real magnetograms of this machine, differ in
level; that difference is measured, and removed, where the two meet: here.

==========  ================================================================================
config      what to take of the store, read from TOML
frames      one archived frame per step of time, each with its hash
splits      chronological parts, whole rotations apart, and whether they hold enough
dataset     frames, labels, recent flares and splits under one hash
building    the same from the store, or once more from a package's manifest
adapting    a rate map's last step anew, its members as they are
judging     what a model and simpler forecasters say of the part kept for reporting
derived     what networks make of the frames, kept in the cache
card_text   what a package's card says in any case
describing  what a package says of itself: manifest, ``model.toml``, card
evaluating  a package against the part kept for reporting
recipe      all of it, to a package with its card
==========  ================================================================================
"""
