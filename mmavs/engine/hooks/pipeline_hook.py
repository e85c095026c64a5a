from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmavs.datasets.transforms.cropping import check_crop_windows
from mmavs.datasets.transforms.mirroring import check_mirroring
from mmavs.datasets.transforms.nesting import list_pipelines
from mmavs.utils.unwrapping import unwrap


@HOOKS.register_module()
class PipelineHook(Hook):
    """Checks the pipelines of the datasets against the audio and the model before the first sample is read.

    Datasets check their own pipelines. This hook also checks those of wrappers, such as ``MultiImageMixDataset``: a
    transform that mirrors images but not stereo audio raises an error, and so does, with
    ``model.fusion.coordinates='image'``, a crop that does not record its position in the image.
    """

    def before_train(self, runner) -> None:
        """Checks the pipelines of the training set."""
        _check(runner, 'train')

    def before_val(self, runner) -> None:
        """Checks the pipelines of the validation set."""
        _check(runner, 'val')

    def before_test(self, runner) -> None:
        """Checks the pipelines of the test set."""
        _check(runner, 'test')


def _check(runner, stage: str) -> None:
    fusion = getattr(unwrap(runner.model), 'fusion', None)
    checks = [check_mirroring]
    if getattr(fusion, 'coordinates', None) == 'image':
        checks.append(check_crop_windows)
    for pipeline in list_pipelines(getattr(runner, f'{stage}_dataloader').dataset):
        for check in checks:
            try:
                check(pipeline)
            except ValueError as error:
                raise ValueError(f'{stage}_dataloader.dataset: {error}') from error
