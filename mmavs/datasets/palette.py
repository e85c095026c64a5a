def bit_interleaved_palette(num_classes: int) -> list[list[int]]:
    """The colours of PASCAL VOC: the bits of the class index dealt out to R, G and B from the highest down.

    Args:
        num_classes: Number of classes, background (black) included, at most 256.

    Returns:
        list[list[int]]: RGB of each class, 0 to 255.
    """
    palette = []
    for index in range(num_classes):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
        palette.append(color)
    return palette
