custom_imports = dict(imports=['mmavs'], allow_failed_imports=False)
default_scope = 'mmseg'
runner_type = 'AVRunner'
env_cfg = dict(
    cudnn_benchmark=True, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0), dist_cfg=dict(backend='nccl')
)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='MainProcessLoggerHook', interval=50, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='ExactCheckpointHook', by_epoch=True, interval=1, max_keep_ckpts=2, save_best='mIoU', rule='greater'
    ),
    buffers=dict(type='BroadcastBuffersHook'),
    classes=dict(type='CheckpointClassesHook'),
    weights=dict(type='CheckpointWeightsHook'),
    num_classes=dict(type='NumClassesHook'),
    progress=dict(type='ProgressBarHook'),
    resume_validation=dict(type='ResumeValidationHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='AVSegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
tta_model = dict(type='AVSegTTAModel')
