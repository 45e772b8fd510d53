#!/usr/bin/env python3
"""Makes reference.json: what SciPy makes of synthetic signals, for the tests to hold against.

    pip install numpy scipy && python tests/signal/reference.py > tests/signal/reference.json

Made once, with the SciPy named in the file. The signals are whole sixteenths of a microvolt and stand
in the file themselves, so that both sides have them to the last bit.
"""

import json
import math

import numpy as np
import scipy
from scipy import signal

SAMPLES = 1280
EVERY = 16
RATES = [128, 256]
# High-pass, low-pass, notch in Hz.
FILTERS = [
    (0.16, None, None),
    (0.5, None, None),
    (1.0, None, None),
    (5.0, None, None),
    (None, 30.0, None),
    (None, 45.0, None),
    (None, None, 50.0),
    (None, None, 60.0),
    (0.5, 45.0, None),
    (0.16, 30.0, 50.0),
    (5.0, 45.0, 60.0),
]
# High-pass and notch in Hz.
FILTERS_OF_SPECTRA = [(0.5, None), (0.5, 50.0), (5.0, 60.0)]
NOTCH_WIDTH = 2.0


def noise(count, seed=1):
    """Values from -1 to 1 by the generator of Knuth's MMIX."""
    state = seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) / 2**23 - 1


def inputs():
    """Three signals about 4200 µV, in sixteenths of a µV."""
    share = [at / SAMPLES for at in range(SAMPLES)]
    # From 0 to a quarter of the rate.
    chirp = [50 * math.sin(2 * math.pi * SAMPLES / 8 * s * s) for s in share]
    steps = [(at // 100 * 389) % 901 - 450 + 3 * n for at, n in enumerate(noise(SAMPLES, 2))]
    rough = [40 * n for n in noise(SAMPLES)]
    named = {"chirp": chirp, "steps": steps, "noise": rough}
    return {name: [round(16 * (4200 + x)) for x in values] for name, values in named.items()}


def sections(rate, high_pass, low_pass, notch):
    """The filters of the picture: Butterworth of second order, and a notch of true width."""
    parts = []
    if high_pass:
        parts.append(signal.butter(2, high_pass, "highpass", output="sos", fs=rate))
    if low_pass:
        parts.append(signal.butter(2, low_pass, "lowpass", output="sos", fs=rate))
    if notch:
        parts.append(signal.tf2sos(*signal.iirnotch(notch, notch / NOTCH_WIDTH, fs=rate)))
    return np.vstack(parts)


def number(value):
    """Twelve digits: a thousandth of what is asked for."""
    return float(f"{value:.12g}")


def run(samples, sos):
    """Primed with the first sample: as if it had been there for ever."""
    output, _ = signal.sosfilt(sos, samples, zi=signal.sosfilt_zi(sos) * samples[0])
    return output


def filtered(samples, sos):
    output = run(samples, sos)
    # Some of the samples, and the sum of the squares of all.
    energy = np.sum(output**2)
    return {"samples": [number(y) for y in output[::EVERY]], "energy": number(energy)}


def welch(samples, rate):
    """Hann, two seconds, half of them shared, the mean taken off each; 1 to 70 Hz, below Nyquist."""
    hz, powers = signal.welch(samples, rate, window="hann", nperseg=2 * rate)
    return [number(power) for power in powers[(hz >= 1) & (hz <= 70) & (hz < rate / 2)]]


def main():
    signals = inputs()
    values = {name: np.array(sixteenths) / 16 for name, sixteenths in signals.items()}
    designs = []
    for rate in RATES:
        for high_pass, low_pass, notch in FILTERS:
            sos = sections(rate, high_pass, low_pass, notch)
            designs.append({
                "rate": rate,
                "high_pass": high_pass,
                "low_pass": low_pass,
                "notch": notch,
                # To the last bit, as the recordings are filtered with them.
                "sos": sos.tolist(),
                "zi": signal.sosfilt_zi(sos).tolist(),
                "outputs": {name: filtered(x, sos) for name, x in values.items()},
            })
    spectra = [
        {"rate": rate, "powers": {name: welch(x, rate) for name, x in values.items()}}
        for rate in RATES
    ]
    # What the spectra of a view are computed from: its filters without the low-pass.
    spectra_filtered = [
        {
            "rate": rate,
            "high_pass": high_pass,
            "notch": notch,
            "powers": {
                name: welch(run(x, sections(rate, high_pass, None, notch)), rate)
                for name, x in values.items()
            },
        }
        for rate in RATES
        for high_pass, notch in FILTERS_OF_SPECTRA
    ]
    result = {
        "scipy": scipy.__version__,
        "every": EVERY,
        "signals": signals,
        "filters": designs,
        "welch": spectra,
        "welch_filtered": spectra_filtered,
    }
    # One line for each list of numbers.
    text = json.dumps(result, separators=(",", ":"))
    print(text.replace(',"', ',\n"').replace('{"', '{\n"'))


main()
