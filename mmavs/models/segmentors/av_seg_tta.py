from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList


@MODELS.register_module()
class AVSegTTAModel(SegTTAModel):
    """mmseg's test-time augmentation that also merges ``seg_logits``, for metrics that need probabilities.

    mmseg's model returns the logits of the last view with the merged prediction, and applies the sigmoid of a single
    output twice.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Averages the probabilities of the views of each image.

        Args:
            data_samples_list: Samples of all views, of each image.

        Returns:
            list[SegDataSample]: A sample for each image. ``seg_logits``: float (classes, H, W), the logarithm of the
            mean probability, or (1, H, W), the mean probability, of a single output. ``pred_sem_seg``: (1, H, W).
        """
        return [self._merge(views) for views in data_samples_list]

    def _merge(self, views: SampleList):
        single = self.module.out_channels == 1
        outputs = [view.seg_logits.data.float() for view in views]
        mean = sum(output if single else output.softmax(dim=0) for output in outputs) / len(views)
        merged = views[0]
        if single:
            logits, pred = mean, (mean > self.module.decode_head.threshold).to(mean)
        else:
            logits, pred = mean.clamp_min(1e-38).log(), mean.argmax(dim=0, keepdim=True)
        merged.set_data(dict(seg_logits=PixelData(data=logits), pred_sem_seg=PixelData(data=pred)))
        return merged
