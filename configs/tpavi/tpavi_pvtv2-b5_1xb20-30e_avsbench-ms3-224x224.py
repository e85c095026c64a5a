_base_ = [
    '../_base_/models/tpavi_pvtv2-b5.py',
    '../_base_/datasets/avsbench_ms3_224_clips.py',
    '../_base_/schedules/tpavi_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=_base_.num_classes,
        out_channels=1,
        threshold=0.5,
        loss_decode=dict(use_sigmoid=True),
        matching_loss=dict(type='AVMatchingLoss', reduction='sum', loss_weight=0.5),
    ),
)
max_epochs = 30
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
env_cfg = dict(cudnn_benchmark=True)  # all images have one size
