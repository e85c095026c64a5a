"""Clips of a video for temporal networks."""

from typing import NamedTuple

import numpy as np
import pytest
from checkpoints import tiny_config

from mmavs.apis.video_clips import ClipSettings, find_clip_settings, group_clips


class Item(NamedTuple):
    time: float


def clips_of(times, frames=5, seconds=1.0):
    return list(group_clips([Item(time) for time in times], ClipSettings(frames, seconds)))


def members(clip):
    return [frame.time for frame in clip.frames]


def test_frames_of_a_clip_lie_a_second_apart():
    clips = clips_of(np.arange(0, 10, 0.25))
    assert len(clips) == 8
    assert members(clips[1]) == [0.25, 1.25, 2.25, 3.25, 4.25] and clips[1].places == [0, 1, 2, 3, 4]
    assert members(clips[4]) == [5.0, 6.0, 7.0, 8.0, 9.0] and clips[4].part == 1


@pytest.mark.parametrize('rate', [1, 3, 10, 29.97, 0.4])
@pytest.mark.parametrize('length', [0.5, 4.9, 5.0, 12.3])
def test_each_frame_is_used_once(rate, length):
    times = np.arange(0, length, 1 / rate)
    clips = clips_of(times)
    assert all(len(clip.frames) == 5 for clip in clips)
    used = [clip.frames[place].time for clip in clips for place in clip.places]
    assert sorted(used) == list(times)
    for clip in clips:
        assert members(clip) == sorted(members(clip))
    if rate in (1, 10) and length == 5.0:
        assert len(clips) == rate


def test_variable_rate_and_gaps_take_the_nearest_frame():
    clips = clips_of([0.0, 0.9, 2.1, 3.0, 8.0])
    assert members(clips[0]) == [0.0, 0.9, 2.1, 3.0, 3.0] and clips[0].places == [0, 1, 2, 3]
    assert clips[1].part == 1 and members(clips[1]) == [8.0] * 5 and len(clips[1].places) == 1


def test_short_video_repeats_its_last_frame():
    (clip,) = clips_of([0.0, 1.0])
    assert members(clip) == [0.0, 1.0, 1.0, 1.0, 1.0] and clip.places == [0, 1]


def test_clips_of_one_frame():
    assert [(c.part, members(c), c.places) for c in clips_of([0.0, 0.3], 1)] == [(0, [0.0], [0]), (1, [0.3], [0])]


class Fusion:
    needs_frames = True


@pytest.mark.parametrize(
    ('name', 'frames'),
    [
        ('tpavi/tpavi_r50_1xb20-15e_avsbench-s4-224x224.py', 5),
        ('tpavi/tpavi_r50_1xb40-60e_avss-224x224.py', 10),
        ('tpavi/tpavi_r50_2xb8-80e_vpo-msmi-512x512.py', 1),
    ],
)
def test_settings_are_those_of_the_training(name, frames):
    cfg = tiny_config(name, {})
    assert find_clip_settings(cfg, Fusion()) == ClipSettings(frames, 1.0)
    assert find_clip_settings(cfg, object()) == ClipSettings(1, 1.0)
