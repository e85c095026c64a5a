_base_ = 'mmseg::_base_/default_runtime.py'
custom_imports = dict(imports=['mmavs'], allow_failed_imports=False)
runner_type = 'AVRunner'
# Off, since cuDNN would benchmark each new size of test images. Configs with one image size set it to True.
env_cfg = dict(cudnn_benchmark=False)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=True, interval=1, max_keep_ckpts=2, save_best='mIoU', rule='greater'
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='AVSegVisualizationHook', draw=False),
)
# TensorBoard files are written where TensorBoard is installed.
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='AVSegLocalVisualizer', vis_backends=vis_backends)
log_processor = dict(by_epoch=True)
# Runs of a config give equal weights on one machine. Another seed: --cfg-options randomness.seed=1
randomness = dict(seed=0)
tta_model = dict(type='AVSegTTAModel')
