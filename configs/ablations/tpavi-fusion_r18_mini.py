# Table 4, row 1, on the mini set: TPAVI's audio-visual block in place of f_CA, without a contrastive loss.
_base_ = './cavp_r18_mini.py'
model = dict(
    # `temporal=False`: a frame is a clip of its own, so that all rows train on the same batches
    fusion=dict(
        _delete_=True,
        type='TPAVIFusion',
        in_channels=(64,),
        audio_channels=64,
        norm_cfg=_base_.norm_cfg,
        keep_audio=False,
        temporal=False,
    ),
    contrast_loss=None,
)
