"""Videos: each frame is segmented with the sound around it; what is written; videos of unusual kinds."""

import csv
import struct
import warnings

import numpy as np
import pytest
import torch
from checkpoints import tiny_config, write_checkpoint
from PIL import Image

from mmavs.apis import AVSegInferencer
from mmavs.apis.frame_order import smoothed
from mmavs.apis.video_reader import VideoError, VideoReader

av = pytest.importorskip('av')
from media import noise, write_video  # noqa: E402

SIZE = (48, 64)


def picture(seed, size=SIZE):
    """A smooth picture with a marked upper left corner."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    image = np.array(small.resize(size[::-1], Image.Resampling.BILINEAR))
    image[: size[0] // 4, : size[1] // 4] = (255, 0, 0)
    return image


@pytest.fixture(scope='module')
def images():
    return [picture(seed) for seed in range(20)]


@pytest.fixture(scope='module')
def sound():
    return np.round(noise(4, 16000, 2) * 2**15) / 2**15


@pytest.fixture(scope='module')
def video(tmp_path_factory, images, sound):
    """Two seconds at ten frames per second, with four seconds of sound."""
    path = tmp_path_factory.mktemp('video') / 'clip.mkv'
    return write_video(path, images, sound=sound, audio_codec='flac')


def test_each_frame_gets_the_sound_around_it(inferencer, video, sound):
    waveform = torch.from_numpy(sound).float()
    results = list(inferencer(video, batch_size=3))
    frames = list(VideoReader(video))
    assert len(results) == len(frames) == 20
    assert [r['time'] for r in results] == pytest.approx(np.arange(20) / 10, abs=1e-3)
    for result, frame in list(zip(results, frames, strict=True))[::5]:
        start = min(max(0, round(frame.time * 16000) - 24000), 64000 - 48000)
        window = waveform[:, start : start + 48000]
        expected = inferencer(frame.image, window, keep_channels=True)
        assert np.array_equal(result['predictions'], expected['predictions'])
        assert [c[:3] for c in result['sounding']] == [c[:3] for c in expected['sounding']]
    assert len({r['predictions'].tobytes() for r in results}) > 5


def test_sound_matters_and_can_be_shifted(inferencer, video, sound, images, tmp_path):
    longer = np.concatenate([np.zeros((2, 16000)), sound], axis=1)  # the same sound, a second late
    late = write_video(tmp_path / 'late.mkv', images[:5], sound=longer, audio_codec='flac')
    logits = lambda path, **k: [s.seg_logits.data for s in inferencer(path, return_datasamples=True, **k)]  # noqa: E731
    early, shifted = logits(video)[2], logits(late, audio_shift=3.0)[2]
    moved = logits(video, audio_shift=2.0)[2]
    assert torch.allclose(shifted, moved, atol=1e-4) and not torch.allclose(early, moved, atol=1e-3)


def test_results_are_an_iterator_that_keeps_no_frame(inferencer, video):
    results = inferencer(video, return_vis=True, return_datasamples=False)
    assert iter(results) is results
    first = next(results)
    assert first['visualization'].shape == (*SIZE, 3) and first['frame'] == 0
    results.close()
    sample = next(inferencer(video, return_datasamples=True))
    assert sample.metainfo['frame_number'] == 0 and 'seg_logits' in sample


@pytest.mark.parametrize('fps', [1, 2.5, 4, 10, 99])
def test_frames_at_any_rate(video, fps):
    reader = VideoReader(video, fps)
    times = [frame.time for frame in reader]
    expected = np.arange(0, 2, max(0.1, 1 / fps))
    assert len(times) == len(expected) and np.abs(times - expected).max() <= 0.051
    assert reader.expected_frames == len(times)


def test_written_files(inferencer, video, sound, tmp_path):
    done = inferencer(video, out_dir=str(tmp_path), fps=5, save_rle=True)
    assert done['frames'] == 10 and not done['failed']
    rows = list(csv.DictReader((tmp_path / 'sounding.csv').open()))
    assert len({row['frame'] for row in rows}) == 10
    masks = sorted((tmp_path / 'pred' / 'clip').iterdir())
    assert [path.name for path in masks] == [f'{number:06d}_pred.png' for number in range(0, 20, 2)]
    for row in rows:
        mask = np.array(Image.open(tmp_path / 'pred' / 'clip' / f'{int(row["frame"]):06d}_pred.png'))
        if row['class'] != 'nothing':
            assert (mask == inferencer.classes.index(row['class'])).sum() == int(row['pixels'])
    with av.open(done['visualization'][0]) as container:
        frames = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert frames == pytest.approx(np.arange(10) / 5, abs=0.001)
    with av.open(done['visualization'][0]) as container:
        track = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        assert container.streams.audio[0].codec_context.name == 'flac'
    assert np.array_equal(track.reshape(-1, 2).T if len(track) == 1 else track, np.round(sound * 2**15))
    assert not list(tmp_path.rglob('*.part'))


def test_sound_that_mp4_cannot_hold_is_encoded(inferencer, images, sound, tmp_path):
    path = write_video(tmp_path / 'a.mkv', images[:8], sound=sound, audio_codec='pcm_s16le')
    done = inferencer(path, out_dir=str(tmp_path / 'out'))
    with av.open(done['visualization'][0]) as container:
        track = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        assert container.streams.audio[0].codec_context.name == 'aac'
    assert np.corrcoef(track[0, 2000:40000], sound[0, 2000:40000])[0, 1] > 0.95


def test_smoothing_averages_the_probabilities_around_each_frame():
    values = [torch.tensor(float(v)) for v in (1, 2, 6, 3, 8)]
    items = [(i, None, value) for i, value in enumerate(values)]
    assert list(smoothed(items, 1)) == items
    assert [float(v) for _, _, v in smoothed(items, 3)] == pytest.approx([1.5, 3, 11 / 3, 17 / 3, 5.5])
    assert [float(v) for _, _, v in smoothed(items, 9)] == pytest.approx([4.0] * 5)
    assert [i for i, _, _ in smoothed(items, 5)] == [0, 1, 2, 3, 4]


def test_smoothing_and_threshold_reach_the_masks(inferencer, video):
    plain = [r['predictions'] for r in inferencer(video, fps=5)]
    smooth = [r['predictions'] for r in inferencer(video, fps=5, smooth=5)]
    assert len(smooth) == len(plain) and any((a != b).any() for a, b in zip(plain, smooth, strict=True))
    assert not any(r['predictions'].any() for r in inferencer(video, fps=5, threshold=1.0))
    with pytest.raises(ValueError, match='smooth must be an odd number'):
        list(inferencer(video, smooth=2))


def test_temporal_network_gets_clips_as_in_training(tmp_path, images):
    cfg = tiny_config('tpavi/tpavi_r50_1xb20-15e_avsbench-s4-224x224.py', _TPAVI)
    cfg.test_dataloader.dataset.pipeline[0].update(size=(32, 32))
    meta = dict(classes=('background', 'object'), palette=[[0, 0, 0], [255, 0, 0]])
    path = write_checkpoint(tmp_path / 'tpavi.pth', cfg, meta=meta)
    inferencer = AVSegInferencer(weights=path, device='cpu', show_progress=False)
    video = write_video(tmp_path / 'a.mp4', images[:14], fps=2, sound=noise(7, 16000), audio_codec='aac')
    results = [result.seg_logits.data for result in inferencer(video, return_datasamples=True, batch_size=10)]
    assert len(results) == 14 and results[0].shape == (1, *SIZE)

    from mmavs.apis.input_pipeline import Sample
    from mmavs.audio.sound_track import SoundTrack

    frames = list(VideoReader(video))
    track = SoundTrack(video, num_samples=16000, sample_rate=16000, channels=1)
    windows = [track.window(frame.time) for frame in frames]
    for members in ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9], [10, 12, 13, 13, 13]):
        packed = [
            inferencer.pipeline(Sample(frames[m].image, audio=windows[m], meta=dict(clip='x', frame=k)))[1]
            for k, m in enumerate(members)
        ]
        for k, output in enumerate(inferencer.run_network(packed)[:2]):
            assert torch.allclose(output.seg_logits.data, results[members[k]], atol=1e-5)


_TPAVI = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    neck=dict(in_channels=(8, 16, 32, 64), out_channels=8),
    audio_backbone=dict(_delete_=True, type='AudioResNet', depth=18, in_channels=1, base_channels=8, out_channels=8),
    fusion=dict(in_channels=(8, 8, 8, 8), audio_channels=8),
    decode_head=dict(in_channels=(8, 8, 8, 8), channels=8),
)


# Unusual videos.


def test_video_without_sound_gets_silence_and_a_warning(inferencer, images, tmp_path):
    path = write_video(tmp_path / 'mute.mp4', images[:3])
    with pytest.warns(UserWarning, match=r'mute\.mp4 has no audio track'):
        results = list(inferencer(path))
    frame = next(iter(VideoReader(path)))
    assert np.array_equal(results[0]['predictions'], inferencer(frame.image, [])['predictions'])
    done = inferencer(path, out_dir=str(tmp_path / 'out'))
    with av.open(done['visualization'][0]) as container:
        assert not container.streams.audio


@pytest.mark.parametrize('seconds', [0.3, 9.0])
def test_sound_shorter_or_longer_than_the_pictures(inferencer, images, tmp_path, seconds):
    path = write_video(tmp_path / 'a.mp4', images, sound=noise(seconds, 16000, 2), fps=5)
    assert len(list(inferencer(path))) == 20


def test_variable_frame_rate_keeps_the_times(inferencer, images, sound, tmp_path):
    times = [0.0, 0.04, 0.5, 0.55, 1.9]
    path = write_video(tmp_path / 'a.mkv', images[:5], times=times, sound=sound, audio_codec='flac')
    results = list(inferencer(path))
    assert [r['time'] for r in results] == pytest.approx(times, abs=2e-3)
    done = inferencer(path, out_dir=str(tmp_path / 'out'))
    with av.open(done['visualization'][0]) as container:
        written = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert written == pytest.approx(times, abs=2e-3)


def test_video_that_starts_late_begins_at_zero(inferencer, images, sound, tmp_path):
    path = write_video(tmp_path / 'a.mkv', images[:4], start=5.0, sound=sound, audio_codec='flac', audio_start=5.0)
    plain = write_video(tmp_path / 'b.mkv', images[:4], sound=sound, audio_codec='flac')
    late, early = list(inferencer(path)), list(inferencer(plain))
    assert late[0]['time'] == 0.0
    assert all(np.array_equal(a['predictions'], b['predictions']) for a, b in zip(late, early, strict=True))
    done = inferencer(path, out_dir=str(tmp_path / 'out'))
    with av.open(done['visualization'][0]) as container:
        assert container.duration / 1e6 < 4.5


def test_rotated_phone_video_is_upright(inferencer, tmp_path):
    upright = picture(0, (64, 48))
    stored = np.rot90(upright)  # an upright phone stores rotated pictures
    path = write_video(tmp_path / 'a.mp4', [stored] * 3, sound=noise(1, 16000))
    content = bytearray(open(path, 'rb').read())
    place = content.index(b'tkhd') + 4 + 40  # version 0: the matrix of the first track
    matrix = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)  # that of phones: turn clockwise by 90 degrees
    assert struct.unpack('>9i', content[place : place + 36]) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    content[place : place + 36] = struct.pack('>9i', *matrix)
    (tmp_path / 'phone.mp4').write_bytes(content)
    frame = next(iter(VideoReader(str(tmp_path / 'phone.mp4'))))
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image[..., ::-1].astype(int) - upright).mean() < 4
    result = next(inferencer(str(tmp_path / 'phone.mp4')))
    assert result['predictions'].shape == (64, 48)


def test_odd_sizes(inferencer, tmp_path):
    path = write_video(tmp_path / 'a.mkv', [picture(0, (45, 63))] * 3, sound=noise(1, 16000), audio_codec='flac')
    done = inferencer(path, out_dir=str(tmp_path / 'out'))
    assert np.array(Image.open(tmp_path / 'out' / 'pred' / 'a' / '000000_pred.png')).shape == (45, 63)
    assert next(iter(VideoReader(done['visualization'][0]))).image.shape == (46, 64, 3)


def test_surround_sound(inferencer, images, tmp_path):
    path = write_video(tmp_path / 'a.mkv', images[:3], sound=noise(2, 48000, 6), rate=48000, audio_codec='flac')
    assert len(list(inferencer(path))) == 3
    inferencer(path, out_dir=str(tmp_path / 'out'))


def test_truncated_video_is_read_in_part_or_named(inferencer, tmp_path):
    noisy = [np.random.default_rng(i).integers(0, 256, (*SIZE, 3), dtype=np.uint8) for i in range(60)]
    whole = open(write_video(tmp_path / 'a.mkv', noisy, sound=noise(6, 16000)), 'rb').read()
    (tmp_path / 'cut.mkv').write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r'cut\.mkv ends after .* truncated'):
        number = len(list(VideoReader(str(tmp_path / 'cut.mkv'))))
    assert 10 < number < 50
    whole = open(write_video(tmp_path / 'a.mp4', noisy[:9]), 'rb').read()
    (tmp_path / 'cut.mp4').write_bytes(whole[: len(whole) // 2])  # without the index at its end
    with pytest.raises(VideoError, match=r'cannot read video .*cut\.mp4, which holds MP4: .*Fetch it again'):
        list(inferencer(str(tmp_path / 'cut.mp4')))


def test_damaged_packets_are_left_out(inferencer, images, sound, tmp_path):
    content = bytearray(open(write_video(tmp_path / 'a.mkv', images, sound=sound), 'rb').read())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    (tmp_path / 'b.mkv').write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert 0 < len(list(inferencer(str(tmp_path / 'b.mkv')))) <= 20


@pytest.mark.parametrize(
    ('content', 'message'),
    [(b'just some text\n', 'holds text'), (b'', 'holds nothing'), (b'#EXTM3U\nhttp://127.0.0.1/x\n', 'holds text')],
)
def test_other_files_named_as_videos_are_refused(inferencer, tmp_path, content, message):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(VideoError, match=rf'cannot read video .*a\.mp4: it {message}'):
        list(inferencer(str(tmp_path / 'a.mp4')))
    with pytest.raises(FileNotFoundError, match=r'video not found: .*b\.mp4'):
        list(inferencer(str(tmp_path / 'b.mp4')))


def test_file_without_pictures_and_video_without_frames(inferencer, tmp_path, images):
    from media import write_sound

    sound_only = write_sound(tmp_path / 'a.mp4', noise(1, 16000), 16000, 'aac')
    with pytest.raises(VideoError, match=r'a\.mp4.*it has no video track'):
        list(inferencer(sound_only))
    with av.open(str(tmp_path / 'empty.mkv'), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.height = stream.width = 32
        track = container.add_stream('pcm_s16le', rate=16000, layout='mono')
        from media import write_audio

        write_audio(container, track, noise(1, 16000), 16000, 'mono')
    with pytest.raises(VideoError, match=r'empty\.mkv.*it has no frames'):
        list(inferencer(str(tmp_path / 'empty.mkv')))


def test_repeated_times_and_sound_that_cannot_be_copied(images, tmp_path, monkeypatch):
    from mmavs.apis.video_writer import VideoWriter

    source = write_video(tmp_path / 'a.mkv', images[:3], sound=noise(1, 16000), audio_codec='flac')
    with VideoWriter(str(tmp_path / 'b.mp4'), source=source, rate=10) as writer:
        for time in (0.0, 0.1, 0.1, 0.05, 0.4):
            writer.write(images[0], time)
    assert len(list(VideoReader(str(tmp_path / 'b.mp4')))) == 5
    monkeypatch.setattr(VideoWriter, '_copied_packets', lambda *_: iter([av.Packet(b'broken')] * 2))
    monkeypatch.setattr('mmavs.apis.video_writer._seconds', lambda packet: 0.0)
    with (
        pytest.warns(UserWarning, match='cannot be copied'),
        VideoWriter(str(tmp_path / 'c.mp4'), source=source, rate=10) as writer,
    ):
        writer.write(images[0], 0.0)
    assert len(list(VideoReader(str(tmp_path / 'c.mp4')))) == 1


def test_damaged_video_in_a_folder_is_skipped(inferencer, images, tmp_path):
    folder = tmp_path / 'videos'
    folder.mkdir()
    for name in ('a.mp4', 'c.mp4'):
        write_video(folder / name, images[:2], sound=noise(1, 16000))
    (folder / 'b.mp4').write_bytes(b'broken')
    done = inferencer(str(folder), out_dir=str(tmp_path / 'out'))
    assert done['frames'] == 4 and [path for path, _ in done['failed']] == [str(folder / 'b.mp4')]
    assert {p.name for p in (tmp_path / 'out' / 'vis').iterdir()} == {'a.mp4', 'c.mp4'}
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='no pictures or videos in'):
        inferencer(str(tmp_path / 'empty'))


def test_full_disk_while_writing_a_video(inferencer, images, tmp_path, small_disk):
    noisy = [np.random.default_rng(i).integers(0, 256, (*SIZE, 3), dtype=np.uint8) for i in range(20)]
    path = write_video(tmp_path / 'a.mkv', noisy, sound=noise(2, 16000))
    out = tmp_path / 'out'
    with small_disk(20000), pytest.raises(OSError, match=r'cannot write .*out/vis/a\.mp4.*choose another out_dir'):
        inferencer(path, out_dir=str(out), pred_out_dir='')
    assert not [path for path in out.rglob('*') if path.is_file()]


def test_interruption_keeps_finished_results(inferencer, video, tmp_path, monkeypatch):
    network, calls = inferencer.run_network, []

    def interrupted(packed):
        calls.append(1)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return network(packed)

    monkeypatch.setattr(inferencer, 'run_network', interrupted)
    with pytest.raises(KeyboardInterrupt):
        inferencer(video, out_dir=str(tmp_path))
    assert len({row['frame'] for row in csv.DictReader((tmp_path / 'sounding.csv').open())}) == 6
    assert len(list(VideoReader(str(tmp_path / 'vis' / 'clip.mp4')))) == 6
