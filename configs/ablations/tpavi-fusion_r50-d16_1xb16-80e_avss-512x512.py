# Table 4, row 1: TPAVI's audio-visual block in place of f_CA in CAVP's network, without a contrastive loss.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(
    # `temporal=False`: a frame is a clip of its own, so that all rows train on the same batches
    fusion=dict(
        _delete_=True,
        type='TPAVIFusion',
        in_channels=(304,),
        audio_channels=304,
        norm_cfg=_base_.norm_cfg,
        keep_audio=False,
        temporal=False,
    ),
    contrast_loss=None,
)
