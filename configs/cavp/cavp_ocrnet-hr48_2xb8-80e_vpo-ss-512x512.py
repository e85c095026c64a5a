_base_ = [
    '../_base_/models/cavp_ocrnet-hr48.py',
    '../_base_/datasets/vpo.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    audio_backbone=dict(in_channels=_base_.load_audio.channels),
    decode_head=[dict(head, num_classes=_base_.num_classes) for head in _base_.model.decode_head],
)
train_dataloader = dict(dataset=dict(subset='ss'))
val_dataloader = dict(dataset=dict(subset='ss'))
test_dataloader = dict(dataset=dict(subset='ss'))
