# Former name of cavp_r50-d16_1xb16-80e_avss-224x224.py
_base_ = './cavp_r50-d16_1xb16-80e_avss-224x224.py'
