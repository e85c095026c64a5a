import pytest

from mmavs.models.fusion.clips import count_frames


def frames_of(clip, count, start=0):
    return [dict(clip=clip, frame=start + i) for i in range(count)]


def test_frames_of_clips_are_counted():
    assert count_frames(frames_of('a', 5) + frames_of('b', 5), 10) == 5
    assert count_frames(frames_of('a', 10), 10) == 10


def test_a_clip_that_is_drawn_twice_counts_as_two():
    assert count_frames(frames_of('a', 5) + frames_of('a', 5), 10) == 5


def test_images_without_clip_are_clips_of_one_frame():
    assert count_frames([{}, {}], 2) == count_frames([dict(clip=None)] * 2, 2) == count_frames(None, 3) == 1


def test_clips_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\[5, 2\] frames.*type='ClipSampler'"):
        count_frames(frames_of('a', 5) + frames_of('b', 2), 7)
