_base_ = [
    '../_base_/models/cavp_pvtv2-b5_avs.py',
    '../_base_/datasets/avsbench_ms3_224.py',
    '../_base_/schedules/avsbench_60e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=_base_.num_classes),
    contrast_loss=dict(loss_weight=0.1),  # as in the authors' code on objects
)
env_cfg = dict(cudnn_benchmark=True)  # all images have one size
