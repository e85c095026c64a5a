# Beyond the paper: panning that follows the crop. The sources are panned to their position in the random crop.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
augmentation = [
    _base_.augmentation[0],
    dict(type='AVRandomCrop', crop_size=_base_.crop_size, update_positions=True),
    _base_.load_audio,  # after the crop, since it pans the sources
    *_base_.augmentation[2:],
]
train_pipeline = [_base_.load_frame, _base_.load_annotations, *augmentation, _base_.pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
