"""Detection of the file type from the first bytes, independent of the suffix. Does not need torch."""

_SIGNATURES = (
    (b'RIFF', 'a RIFF file (WAV or AVI)'),
    (b'RF64', 'WAV'),
    (b'fLaC', 'FLAC'),
    (b'OggS', 'Ogg (Vorbis or Opus)'),
    (b'\x1aE\xdf\xa3', 'WebM or Matroska'),
    (b'ID3', 'MP3'),
    (b'FORM', 'AIFF'),
    (b'.snd', 'AU'),
    (b'FLV', 'Flash video'),
    (b'0&\xb2u', 'Windows Media'),
    (b'ADIF', 'AAC'),
    (b'\x89PNG', 'a PNG picture'),
    (b'\xff\xd8\xff', 'a JPEG picture'),
    (b'#!AMR', 'AMR'),
    (b'GIF8', 'a GIF picture'),
    (b'PK\x03\x04', 'a ZIP archive'),
    (b'\x1f\x8b', 'a gzip archive'),
    (b'%PDF', 'a PDF document'),
)
_BRANDS = {b'M4A ': 'M4A (MPEG-4 audio)', b'M4B ': 'M4A (MPEG-4 audio)', b'qt  ': 'MOV (QuickTime)'}
_LENGTH = 512


def describe_content(path: str) -> str:
    """Names the content of a file, such as ``'MP4'``, ``'AAC'``, ``'text'`` or ``'data of an unknown kind'``."""
    with open(path, 'rb') as f:
        head = f.read(_LENGTH)
    if not head:
        return 'nothing'
    if head[4:8] == b'ftyp':
        return _BRANDS.get(head[8:12], 'MP4')
    if head[4:8] in (b'moov', b'mdat', b'wide', b'free', b'skip'):
        return 'MOV (QuickTime)'
    if head[0] == 0xFF and head[1:2] and head[1] & 0xF6 == 0xF0:
        return 'AAC'
    if head[0] == 0xFF and head[1:2] and head[1] & 0xE6 == 0xE2:
        return 'MP3'
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[0] == 0x47 and head[188:189] in (b'', b'G'):
        return 'an MPEG transport stream'
    if head.lstrip()[:1] == b'<':
        return 'an HTML or XML page'
    if not any(byte < 9 for byte in head):
        return 'text'
    return 'data of an unknown kind'
