# TPAVI: Adam at a constant learning rate. Configs for other data change the number of epochs.
max_epochs = 15
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = [dict(type='ConstantLR', factor=1.0, begin=0, end=max_epochs, by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=20)
