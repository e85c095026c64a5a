from mmengine.hooks import CheckpointHook
from mmseg.registry import HOOKS

from mmavs.utils.deprecation import register_deprecated

from .broadcast_buffers_hook import BroadcastBuffersHook
from .compatibility_hook import CompatibilityHook
from .finite_hook import FiniteHook
from .freeze_hook import FreezeHook
from .main_process_logger_hook import MainProcessLoggerHook
from .mask_content_hook import MaskContentHook
from .pipeline_hook import PipelineHook
from .progress_bar_hook import ProgressBarHook
from .seed_hook import SeedHook
from .validate_on_resume_hook import ValidateOnResumeHook
from .visualization_hook import AVSegVisualizationHook

for _old in ('CheckpointClassesHook', 'CheckpointWeightsHook', 'NumClassesHook'):
    register_deprecated(HOOKS, _old, 'CompatibilityHook', CompatibilityHook)
register_deprecated(HOOKS, 'ExactCheckpointHook', 'CheckpointHook', CheckpointHook)
register_deprecated(HOOKS, 'ResumeValidationHook', 'ValidateOnResumeHook', ValidateOnResumeHook)

__all__ = [
    'AVSegVisualizationHook',
    'BroadcastBuffersHook',
    'CompatibilityHook',
    'FiniteHook',
    'FreezeHook',
    'MainProcessLoggerHook',
    'MaskContentHook',
    'PipelineHook',
    'ProgressBarHook',
    'SeedHook',
    'ValidateOnResumeHook',
]
