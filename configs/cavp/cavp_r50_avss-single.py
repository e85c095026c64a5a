# Former name of cavp_r50-d16_1xb16-80e_avss-single-512x512.py
_base_ = './cavp_r50-d16_1xb16-80e_avss-single-512x512.py'
