"""Simulated rooms: impulse responses by the image method (Allen & Berkley 1979)."""

import numpy as np
import numpy.typing as npt
import scipy.signal

SPEED_OF_SOUND = 343.0
SMALLEST, LARGEST = (3.0, 3.0, 2.4), (10.0, 8.0, 4.0)
WALL = 0.5
"""The metres that the speaker and the microphone keep from every wall."""
LOW_CUT = 80.0
"""The frequency in Hz below which a response is cut off."""


def draw_room(
    rng: np.random.Generator, reverberation: float, sample_rate: int
) -> npt.NDArray[np.float64]:
    """Return the response (n,) between two random points of a random box.

    ``reverberation`` is the reverberation time T60 in seconds; the response starts with the direct
    sound. All echoes of the method are positive, which would raise the lowest frequencies as no
    room does: they are filtered out, as the authors of the method do.
    """
    size = rng.uniform(SMALLEST, LARGEST)
    source, microphone = (rng.uniform(WALL, size - WALL) for _ in range(2))
    response = impulse_response(size, source, microphone, reverberation, sample_rate)
    high_pass = scipy.signal.butter(2, LOW_CUT, "highpass", fs=sample_rate, output="sos")
    filtered: npt.NDArray[np.float64] = scipy.signal.sosfilt(high_pass, response)
    return filtered


def impulse_response(
    size: npt.NDArray[np.float64],
    source: npt.NDArray[np.float64],
    microphone: npt.NDArray[np.float64],
    reverberation: float,
    sample_rate: int,
) -> npt.NDArray[np.float64]:
    """Return the response (n,) of a box of ``size`` (3,) metres.

    Source: Allen & Berkley 1979, equation 8.

    All walls reflect alike, as much as Sabine's formula gives for the reverberation time T60 (s);
    images are placed on whole samples. Scaled and shifted so that the direct sound is 1 at
    sample 0.
    """
    x, y, z = size
    absorption = 0.161 * x * y * z / (2 * (x * y + y * z + x * z) * reverberation)
    reflection = np.sqrt(max(0.0, 1 - min(absorption, 1.0)))
    reach = SPEED_OF_SOUND * reverberation
    # Along each axis: positions of the images relative to the microphone, and their reflections.
    offsets, bounces = [], []
    for length, s, m in zip(size, source, microphone, strict=True):
        count = int(np.ceil(reach / (2 * length))) + 1
        n = np.arange(-count, count + 1)
        offsets.append(np.concatenate([2 * n * length + s - m, 2 * n * length - s - m]))
        bounces.append(np.concatenate([np.abs(2 * n), np.abs(n) + np.abs(n - 1)]))
    squares = [offset**2 for offset in offsets]
    direct = float(np.linalg.norm(source - microphone))
    response = np.zeros(int(reverberation * sample_rate) + 1)
    for square, bounce in zip(squares[2], bounces[2], strict=True):
        distance = np.sqrt(squares[0][:, None] + squares[1] + square)
        order = bounces[0][:, None] + bounces[1] + bounce
        sample = np.rint((distance - direct) * (sample_rate / SPEED_OF_SOUND)).astype(np.int64)
        heard = sample < len(response)
        gain = reflection ** order[heard] * direct / np.maximum(distance[heard], 1e-3)
        response += np.bincount(sample[heard], gain, len(response))
    scaled: npt.NDArray[np.float64] = response / response[0]
    return scaled
