# Former name of cavp_r101-d8_2xb8-80e_vpo-ss-mono-512x512.py
_base_ = './cavp_r101-d8_2xb8-80e_vpo-ss-mono-512x512.py'
