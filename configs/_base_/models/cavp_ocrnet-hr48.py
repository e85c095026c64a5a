# CAVP with OCRNet on HRNetV2-W48: the head of HRNet finds the object regions, and the second head uses their context.
_base_ = './cavp_hr48.py'
model = dict(
    type='AVCascadeEncoderDecoder',
    num_stages=2,
    decode_head=[
        dict(_base_.model.decode_head, loss_decode=dict(_base_.model.decode_head.loss_decode, loss_weight=0.4)),
        dict(
            type='OCRHead',
            in_channels=_base_.channels,
            in_index=(0, 1, 2, 3),
            input_transform='resize_concat',
            channels=512,
            ocr_channels=256,
            dropout_ratio=-1,
            norm_cfg=_base_.norm_cfg,
            align_corners=False,
            loss_decode=_base_.model.decode_head.loss_decode,
        ),
    ],
)
