from .broadcast_buffers_hook import BroadcastBuffersHook
from .checkpoint_classes_hook import CheckpointClassesHook
from .checkpoint_weights_hook import CheckpointWeightsHook
from .exact_checkpoint_hook import ExactCheckpointHook
from .main_process_logger_hook import MainProcessLoggerHook
from .num_classes_hook import NumClassesHook
from .progress_bar_hook import ProgressBarHook
from .resume_validation_hook import ResumeValidationHook

__all__ = [
    'BroadcastBuffersHook',
    'CheckpointClassesHook',
    'CheckpointWeightsHook',
    'ExactCheckpointHook',
    'MainProcessLoggerHook',
    'NumClassesHook',
    'ProgressBarHook',
    'ResumeValidationHook',
]
