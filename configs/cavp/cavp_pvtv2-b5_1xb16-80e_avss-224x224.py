_base_ = [
    '../_base_/models/cavp_pvtv2-b5_avs.py',
    '../_base_/datasets/avss_224.py',
    '../_base_/schedules/avss_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=_base_.num_classes),
)
env_cfg = dict(cudnn_benchmark=True)  # all images have one size
