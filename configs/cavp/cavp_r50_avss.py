_base_ = [
    '../_base_/models/cavp_r50_avs.py',
    '../_base_/datasets/avss.py',
    '../_base_/schedules/avss_80e.py',
    '../_base_/default_runtime.py',
]
