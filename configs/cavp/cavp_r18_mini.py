# CAVP on the generated mini set, from scratch, for a CPU: shows in minutes that the method works.
_base_ = [
    '../_base_/models/cavp_r18_mini.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
# little of an image is covered by what sounds
model = dict(decode_head=dict(num_classes=9, loss_decode=dict(class_weight=[0.7, *[1.0] * 8])))
