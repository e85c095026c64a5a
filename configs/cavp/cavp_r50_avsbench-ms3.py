# Former name of cavp_r50-d16_1xb16-60e_avsbench-ms3-512x512.py
_base_ = './cavp_r50-d16_1xb16-60e_avsbench-ms3-512x512.py'
