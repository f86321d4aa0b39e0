#!/usr/bin/env python3
"""Writes the pictures of tests/golden/pictures: one of each kind of JPEG, PNG, BMP and GIF that is decoded, and beside
each, as NAME.rgb, the pixels that Pillow reads from it (RGB, transparency blended on white). Needs Pillow.

Usage: tools/crosscheck/make_pictures.py [FOLDER]
"""

import pathlib
import struct
import sys
import zlib

from PIL import Image

WIDTH, HEIGHT = 27, 18


def pixel(x, y):
    """Smooth colours with an edge, so that a mistake of a row, a column or a channel shows."""
    red, green, blue = 9 * x, 14 * y, 255 - 5 * (x + y)
    return (255 - red, green, 30) if x > 16 and y > 9 else (red, green, blue)


def colour_picture(width=WIDTH, height=HEIGHT):
    picture = Image.new('RGB', (width, height))
    picture.putdata([pixel(x, y) for y in range(height) for x in range(width)])
    return picture


def with_alpha():
    picture = colour_picture().convert('RGBA')
    picture.putalpha(Image.new('L', picture.size, 0))
    picture.putdata([pixel(x, y) + (min(255, 20 * max(0, x - 4)),) for y in range(HEIGHT) for x in range(WIDTH)])
    return picture


def chunk(name, body):
    return struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))


def png(width, height, bits, kind, rows, interlaced=False, extra=b''):
    """A PNG by hand: Pillow writes neither colours of 16 bits nor interlaced ones."""
    header = struct.pack('>IIBBBBB', width, height, bits, kind, 0, 0, interlaced)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra
            + chunk(b'IDAT', zlib.compress(b''.join(rows), 9)) + chunk(b'IEND', b''))


def interlaced_png():
    rows = []
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, HEIGHT, dy):
            row = b''.join(bytes(pixel(x, y)) for x in range(x0, WIDTH, dx))
            if row:
                rows.append(b'\0' + row)
    return png(WIDTH, HEIGHT, 8, 2, rows, interlaced=True)


def on_white(picture):
    if picture.mode in ('RGBA', 'LA', 'PA') or 'transparency' in picture.info:
        picture = picture.convert('RGBA')
        white = Image.new('RGBA', picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return picture.convert('RGB')


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'tests/golden/pictures')
    folder.mkdir(parents=True, exist_ok=True)
    colour = colour_picture()
    colour.save(folder / 'baseline.jpg', quality=90)
    colour.save(folder / 'full_chroma.jpg', quality=90, subsampling=0)
    colour.save(folder / 'progressive.jpg', quality=90, progressive=True)
    colour.save(folder / 'rgb.jpg', quality=90, keep_rgb=True)
    colour.convert('L').save(folder / 'grey.jpg', quality=90)
    colour.convert('CMYK').save(folder / 'cmyk.jpg', quality=90)
    colour_picture(1, 1).save(folder / 'one.jpg')
    colour_picture(64, 40).save(folder / 'large.jpg', quality=60)
    exif = Image.Exif()
    exif[0x0112] = 6
    colour.save(folder / 'turned.jpg', quality=90, exif=exif)
    colour.save(folder / 'colour.png')
    colour.convert('L').save(folder / 'grey.png')
    colour.convert('1').save(folder / 'one_bit.png')
    colour.quantize(13).save(folder / 'palette.png', bits=4)
    see_through = colour.quantize(13)
    see_through.save(folder / 'palette_alpha.png', transparency=3)
    with_alpha().save(folder / 'alpha.png')
    with_alpha().convert('LA').save(folder / 'grey_alpha.png')
    (folder / 'interlaced.png').write_bytes(interlaced_png())
    deep = [b'\0' + b''.join(struct.pack('>3H', *(257 * v for v in pixel(x, y))) for x in range(WIDTH)) for y in range(HEIGHT)]
    (folder / 'deep.png').write_bytes(png(WIDTH, HEIGHT, 16, 2, deep))
    row = b'\0' + bytes(range(0, 9 * WIDTH, 9))
    (folder / 'keyed.png').write_bytes(png(WIDTH, 2, 8, 0, [row, row], extra=chunk(b'tRNS', struct.pack('>H', 18))))
    colour_picture(1, 1).save(folder / 'one.png')
    colour.save(folder / 'colour.bmp')
    colour.quantize(13).save(folder / 'palette.bmp')
    colour.quantize(31).save(folder / 'still.gif')
    frames = [colour.quantize(7), colour.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(7)]
    frames[0].save(folder / 'animated.gif', save_all=True, append_images=frames[1:], duration=100)
    for path in sorted(folder.iterdir()):
        if path.suffix != '.rgb':
            with Image.open(path) as picture:
                picture.seek(0)
                pixels = on_white(picture)
            size = struct.pack('<2H', *pixels.size)
            path.with_name(path.name + '.rgb').write_bytes(size + pixels.tobytes())


if __name__ == '__main__':
    main()
