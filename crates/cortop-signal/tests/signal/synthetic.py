#!/usr/bin/env python3
"""Makes fixtures/synthetic-insight-16s.csv, a recording of our own making whose truth is known.

    python tests/signal/synthetic.py > tests/fixtures/synthetic-insight-16s.csv

Five sensors of an Insight at 128 Hz about 4200 µV, in steps of 0.128 µV: slow drift, noise, and at Pz a
rhythm of 10 Hz, of 6 µV (18 µV²) in the first 8 s, as with open eyes, and of 24 µV (288 µV²) in the last
8 s, as with closed eyes. Sample 384 of T7 is a glitch, 5000 µV above its neighbours.
"""

import math

RATE = 128
SENSORS = ["AF3", "T7", "Pz", "T8", "AF4"]
GLITCH = 384


def noise(seed):
    """Values from -1 to 1 by the generator of Knuth's MMIX."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) / 2**23 - 1


print(",".join(["COUNTER", *SENSORS]))
sources = [noise(seed) for seed in range(1, 6)]
for at in range(16 * RATE):
    seconds = at / RATE
    row = []
    for place, (sensor, source) in enumerate(zip(SENSORS, sources)):
        value = 4200 + 10 * place + 12 * math.sin(2 * math.pi * 0.3 * seconds + place) + 6 * next(source)
        if sensor == "Pz":
            value += (6 if seconds < 8 else 24) * math.sin(2 * math.pi * 10 * seconds)
        if sensor == "T7" and at == GLITCH:
            value += 5000
        row.append(f"{round(value / 0.128) * 0.128:.3f}")
    print(",".join([str(at % RATE), *row]))
