from .broadcast_buffers_hook import BroadcastBuffersHook
from .checkpoint_classes_hook import CheckpointClassesHook
from .exact_checkpoint_hook import ExactCheckpointHook
from .progress_bar_hook import ProgressBarHook
from .resume_validation_hook import ResumeValidationHook

__all__ = [
    'BroadcastBuffersHook',
    'CheckpointClassesHook',
    'ExactCheckpointHook',
    'ProgressBarHook',
    'ResumeValidationHook',
]
