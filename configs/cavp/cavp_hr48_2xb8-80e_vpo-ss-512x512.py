_base_ = './cavp_hr48_2xb8-80e_vpo-msmi-512x512.py'
train_dataloader = dict(dataset=dict(subset='ss'))
val_dataloader = dict(dataset=dict(subset='ss'))
test_dataloader = dict(dataset=dict(subset='ss'))
