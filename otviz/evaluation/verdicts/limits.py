"""Thresholds of the rules, with the values that were measured on either side.

Measured on the ring of 8 modes (radius 2, std 0.1): five runs each of UOTM, UOTM-KL, UOTM-SD, OT-GAN and the Sinkhorn
generator with default settings, which cover the modes or have bridges, two runs of each other method, and corrupted samples.
Offsets are in standard deviations of a mode and spreads relative to real samples, so the thresholds hold at any scale.
Precision, recall and W2 are relative to real draws of the same size.
"""

FINISHED = 0.9
"""Share of the planned steps before which there is no verdict: UOTM without cost loses its modes between a fifth and two
thirds of its run, and UOTM-SD is behind UOTM for half of its schedule."""

LATE = 0.75
"""Share of the steps done after which snapshots count for stability; the authors' alpha schedule ends there, too."""

FEW = 40
"""Smallest number of samples for a verdict: with 40 real ones, a mode of weight 1/8 has fewer than two once in 25 times."""

OFF = 2.0
"""Median offset of the modes: UOTM 0.3 to 1.4, UOTM-SD 0.8 to 1.6, Sinkhorn 0.6 to 1.6; blobs shifted by 2.5 std, 2.6."""

OFF_ONE = 3.0
"""Offset of one mode: at most 2.7 in runs that cover; 4.3 in OT-GAN's seed 0, which has an arm beside a mode."""

NARROW = 1 / 3
"""Median spread: runs that cover have 0.38 to 1.8; real samples shrunk to 0.3 of their width 0.29, repeated centres 0."""

WIDE = 1.6
"""Median spread: runs that cover have up to 1.5; with doubled width it is 1.9."""

RECALL = 0.6
"""Recall relative to real draws: runs that cover have 0.76 and more, on targets without modes, too; real samples of half
the width 0.67, of 0.3 of it 0.39, one of two moons 0.5, repeated points 0."""

RECALL_FAR = 0.75
"""The same if W2 is far above its floor: one of two moons has 0.48 to 0.6, the moons with masses 85 to 15 0.9."""

PRECISION = 0.65
"""Precision relative to real draws: runs that cover have 0.68 and more; blobs shifted by 2.5 std 0.61."""

STRAY = 2.0
"""Root mean square distance from the nearest real point, relative to real draws, for targets without modes: UOTM on the
moons has 1.3, Sinkhorn 1.8; a fifth of uniform noise 2.3 to 3.3 on the moons, spiral and circles."""

PRECISION_PLAIN = 0.85
"""Precision relative to real draws for targets without modes: UOTM-SD on the spiral, with all arms, 0.91; UOTM, which fills
the middle, 0.81; the spiral blurred by 0.3, 0.6."""

MIXED = 0.3
"""Share of samples between modes: the Sinkhorn generator, which draws the ring as a line, has 0.35 to 0.44 and WGAN up to
0.58; runs that cover have 0.07 to 0.27. A continuous map has some bridges."""

ON_MODES = 0.5
"""Share of samples on modes below which the modes are smeared: runs that cover have 0.64 and more."""

SMEARED = 0.2
"""The same, below which modes are no longer recognisable: real samples of four times the width have 0.23, UOTM at tau = 10
0.11, a Gaussian as wide as the ring 0.06."""

AROUND = 0.5
"""Ratio of outliers to samples between modes, relative to real samples of twice the width, above which samples surround the
modes instead of forming bridges: 0.2 for the Sinkhorn generator on the ring, 1.0 to 1.7 for real samples of two to three
times the width."""

OUTLIERS = 0.12
"""Share of samples neither on a mode nor between two: runs that cover have up to 0.09; real points with a fifth of uniform
noise 0.15, OT-GAN's seed 0, with arms beside two modes, 0.18."""

UNBALANCED = 0.2
"""Total variation between mode shares and weights, beyond that of chance: runs that cover have 0.03 to 0.15."""

FAR, FAR_STD = 2.0, 4.0
"""W2 relative to its floor, and its distance from it in standard deviations (both must hold): runs that cover reach 1.8
times; DAN-S, with all modes but wrong shares, 3 to 5 times."""

COMES_AND_GOES, MISSING = 2, 0.25
"""Recovered modes, and share of late snapshots with a lost mode, that make a run unstable: WGAN with R1 recovered modes 16
times and lost some in every late snapshot; OTM once, and lost one in one snapshot of ten."""

HELD = 0.5
"""Part of its expected share above which a lost mode is recovered."""

FLOWN, FLOWN_FLOOR = 3.0, 10.0
"""W2 relative to the first snapshot, and to its floor, above which (both) the samples have diverged. On one of 8 modes it is
about 1.4 times that of the first snapshot and 7 times the floor; a GAN with a frozen critic reached 90 times."""

WANDERS = 2.0, 4.0
"""W2 relative to its floor: for targets without modes, a run that falls below the first and rises above the second is unstable."""

UNSTEADY = 1.0
"""Standard deviation of the generator loss about its trend in the last quarter: OTM 1.2 to 3.0 and WGAN 1.7 to 26; all
others up to 0.3. It is the scale of the potential at which the convex functions bend (g'(0) = 1 falls off)."""
