# The audio network of TPAVI and AVSegFormer on VPO: CAVP's, with the 128 channels of VGGish.
vpo_audio = dict(type='AudioResNet', depth=18, out_channels=128, norm_cfg=dict(type='BN', requires_grad=True))
