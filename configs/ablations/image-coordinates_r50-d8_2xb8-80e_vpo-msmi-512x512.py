# Beyond the paper: each pixel gets its coordinates in the complete image, also in random crops.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(fusion=dict(position_encoding=True, coordinates='image'))
augmentation = [
    _base_.augmentation[0],
    dict(type='AVRandomCrop', crop_size=_base_.crop_size),
    *_base_.augmentation[2:],
]
train_pipeline = [_base_.load_frame, _base_.load_audio, _base_.load_annotations, *augmentation, _base_.pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
