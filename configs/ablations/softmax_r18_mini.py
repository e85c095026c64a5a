# Figure 6, on the mini set: softmax over the audio tokens, constantly 1 with one token.
_base_ = './cavp_r18_mini.py'
model = dict(fusion=dict(activation='softmax'))
