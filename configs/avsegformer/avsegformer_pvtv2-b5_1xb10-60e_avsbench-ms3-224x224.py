_base_ = [
    '../_base_/models/avsegformer_pvtv2-b5.py',
    '../_base_/datasets/avsbench_ms3_224_clips.py',
    '../_base_/schedules/avsegformer_30e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=_base_.num_classes,
        out_channels=1,
        threshold=0.5,
        loss_decode=dict(_delete_=True, type='FrameDiceLoss'),
    ),
)
train_dataloader = dict(batch_size=10)  # 2 clips
max_epochs = 60
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
env_cfg = dict(cudnn_benchmark=True)  # all images have one size
custom_hooks = [dict(type='FreezeHook', epochs=10)]
find_unused_parameters = True  # for several processes
