"""Suffixes of sound and video files. Files with other content under these names are recognized by their first bytes."""

SOUND_SUFFIXES = ('.wav', '.flac', '.ogg', '.opus', '.mp3', '.aif', '.aiff', '.au', '.m4a', '.aac', '.mka')
VIDEO_SUFFIXES = (
    *('.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi'),
    *('.mpg', '.mpeg', '.ts', '.3gp', '.flv', '.wmv'),
)
