# Former name of cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py
_base_ = './cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
