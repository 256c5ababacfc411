//! Makes a logo of an uploaded image: decoded within limits, turned upright, scaled down, and written anew as a PNG
//! without anything that came along with it.

use std::io::Cursor;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use fast_image_resize::{ResizeError, Resizer};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    metadata::Orientation,
};
use sha2::{Digest, Sha256};

/// Longest upload that is taken for an image, in bytes.
pub const LARGEST_UPLOAD: usize = 10 * 1024 * 1024;
/// Narrowest logo in pixels.
pub const NARROWEST: u32 = 495;
/// Lowest logo in pixels.
pub const LOWEST: u32 = 234;
/// Most pixels of an upload: an image of 6,300 × 6,300 fits.
pub const MOST_PIXELS: u64 = 40_000_000;
/// What an image may take in memory once it is decoded, in bytes: 40 million pixels of 4 bytes each. Decoding, turning
/// and scaling take about as much again.
const MOST_MEMORY: u64 = 4 * MOST_PIXELS;
/// Longest side of an upload in pixels.
const LONGEST_UPLOADED_SIDE: u32 = 20_000;
/// Longest side of a logo in pixels, unless the other would get too short: enough for a wide one on a dense screen.
const LONGEST_SIDE: u32 = 2_048;

/// A logo, ready to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// A PNG with the picture and nothing else.
    pub png: Bytes,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// SHA-256 of `png` in lower-case hexadecimal.
    pub sha256: String,
}

/// Why no logo can be made of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoProblem {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It has more than [`LARGEST_UPLOAD`] bytes.
    #[error("the file is larger than 10 MiB")]
    TooLarge,
    /// It is no image of any known kind.
    #[error("the file is not an image")]
    NotAnImage,
    /// It is an image, but neither PNG, JPEG nor WebP.
    #[error("the image is neither a PNG, a JPEG nor a WebP")]
    UnsupportedFormat,
    /// It is narrower than [`NARROWEST`] or lower than [`LOWEST`]; has its size in pixels, as it is seen.
    #[error("the image has {width} × {height} pixels and needs 495 × 234")]
    TooSmall {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// It has more than [`MOST_PIXELS`], or a side of more than 20,000, or takes too much memory otherwise.
    #[error("the image has too many pixels")]
    TooManyPixels,
    /// It says that it is an image and cannot be decoded as one, or ends too early.
    #[error("the image is damaged")]
    Damaged,
}

/// Makes a logo of an upload: a PNG, JPEG or WebP, told by its content. Of a picture that moves the first frame is taken.
/// Takes up to some seconds of a processor and some hundred MB of memory: call it where it may block, and not too often at
/// once.
pub fn normalize(upload: &[u8]) -> Result<Logo, LogoProblem> {
    let format = recognize(upload)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(upload) {
        return Err(LogoProblem::Damaged);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_UPLOADED_SIDE);
    limits.max_image_height = Some(LONGEST_UPLOADED_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(upload), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(problem)?;
    // Up to here only the header was read. Nothing is allocated for pixels before their number is known to be bearable.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = decoder.dimensions();
    let target = target_size(width, height, orientation)?;
    if decoder.total_bytes() > MOST_MEMORY {
        return Err(LogoProblem::TooManyPixels);
    }
    let image = DynamicImage::from_decoder(decoder).map_err(problem)?;
    let mut image = scale(image, target)?;
    image.apply_orientation(orientation);
    encode(&image)
}

/// What kind of image it is, by its first bytes; what a client says about it counts for nothing.
fn recognize(upload: &[u8]) -> Result<ImageFormat, LogoProblem> {
    match upload.len() {
        0 => return Err(LogoProblem::Empty),
        1..=LARGEST_UPLOAD => {}
        _ => return Err(LogoProblem::TooLarge),
    }
    match image::guess_format(upload) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(format),
        Ok(_) => Err(LogoProblem::UnsupportedFormat),
        Err(_) if is_vector_or_heif(upload) => Err(LogoProblem::UnsupportedFormat),
        Err(_) => Err(LogoProblem::NotAnImage),
    }
}

/// Images that people do upload and that need a word of their own: SVG, and what telephones write.
fn is_vector_or_heif(upload: &[u8]) -> bool {
    let start = upload.get(..1024).unwrap_or(upload);
    let heif = [b"heic".as_slice(), b"heix", b"mif1", b"msf1"];
    let is_heif = |brand| start.get(4..8) == Some(b"ftyp") && start.get(8..12) == Some(brand);
    start.windows(4).any(|bytes| bytes == b"<svg") || heif.into_iter().any(is_heif)
}

/// Whether the picture itself has its end marker, without which a decoder makes up what is missing. The markers cannot
/// occur within its data.
fn jpeg_is_whole(upload: &[u8]) -> bool {
    let mut markers = upload.windows(2).rev().filter(|marker| matches!(marker, [0xff, 0xd9 | 0xda]));
    markers.next() == Some(&[0xff, 0xd9])
}

/// The size to scale to, not yet turned upright.
fn target_size(width: u32, height: u32, orientation: Orientation) -> Result<(u32, u32), LogoProblem> {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(LogoProblem::TooManyPixels);
    }
    let is_turned = matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH);
    let turn = |(a, b)| if is_turned { (b, a) } else { (a, b) };
    let (narrowest, lowest) = turn((NARROWEST, LOWEST));
    if width < narrowest || height < lowest {
        let (width, height) = turn((width, height));
        return Err(LogoProblem::TooSmall { width, height });
    }
    let ratio = |wanted: u32, is: u32| f64::from(wanted) / f64::from(is);
    let factor =
        ratio(LONGEST_SIDE, width.max(height)).max(ratio(narrowest, width)).max(ratio(lowest, height)).min(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it only gets smaller")]
    let scaled = |side: u32| (f64::from(side) * factor).round() as u32;
    Ok((scaled(width), scaled(height)))
}

fn scale(image: DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage, LogoProblem> {
    if (image.width(), image.height()) == (width, height) {
        return Ok(image);
    }
    let mut scaled = DynamicImage::new(width, height, image.color());
    // Weighs colours with their opacity: what is behind a transparent pixel must not bleed into its neighbours.
    Resizer::new().resize(&image, &mut scaled, None).map_err(|error| match error {
        ResizeError::ImageError(_) => LogoProblem::UnsupportedFormat,
        _ => LogoProblem::Damaged,
    })?;
    Ok(scaled)
}

fn encode(image: &DynamicImage) -> Result<Logo, LogoProblem> {
    let (width, height) = (image.width(), image.height());
    let colours = image.to_rgba8();
    let is_opaque = colours.pixels().all(|pixel| matches!(pixel.0, [.., u8::MAX]));
    let image = if is_opaque { DynamicImage::from(image.to_rgb8()) } else { colours.into() };
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
    image.write_with_encoder(encoder).map_err(problem)?;
    let sha256 = HEXLOWER.encode(&Sha256::digest(&png));
    Ok(Logo { png: png.into(), width, height, sha256 })
}

fn problem(error: ImageError) -> LogoProblem {
    match error {
        ImageError::Limits(_) => LogoProblem::TooManyPixels,
        ImageError::Unsupported(_) => LogoProblem::UnsupportedFormat,
        _ => LogoProblem::Damaged,
    }
}

#[cfg(test)]
mod tests;
