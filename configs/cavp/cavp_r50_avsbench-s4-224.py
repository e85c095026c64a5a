# Former name of cavp_r50-d16_1xb16-60e_avsbench-s4-224x224.py
_base_ = './cavp_r50-d16_1xb16-60e_avsbench-s4-224x224.py'
