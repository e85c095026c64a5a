from .exact_checkpoint_hook import ExactCheckpointHook
from .progress_bar_hook import ProgressBarHook
from .resume_validation_hook import ResumeValidationHook

__all__ = ['ExactCheckpointHook', 'ProgressBarHook', 'ResumeValidationHook']
