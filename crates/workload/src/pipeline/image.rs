//! Images in memory: how many bytes a frame of a format is.

use serde::Serialize;

use super::tables::Layout;

/// Size and format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Image {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How they lie in memory.
    pub layout: Layout,
    /// Bits of a raw pixel.
    pub raw_bits: u32,
}

impl Image {
    /// Pixels.
    pub fn pixels(&self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> f64 {
        self.pixels() * bits(self.layout, self.raw_bits) / 8.0
    }
}

/// Bits of a pixel.
pub fn bits(layout: Layout, raw_bits: u32) -> f64 {
    match layout {
        Layout::Raw => f64::from(raw_bits),
        Layout::Yuv420 => 12.0,
        Layout::Yuv42010 | Layout::Rgb => 24.0,
        Layout::Yuv422 => 16.0,
        Layout::Rgba => 32.0,
        Layout::Grey => 8.0,
    }
}

/// Bits per second of a camera: pixels, raw bits, frames and blanking.
pub fn camera_bits_per_second(width: u32, height: u32, raw_bits: u32, fps: f64, blanking: f64) -> f64 {
    f64::from(width) * f64::from(height) * f64::from(raw_bits) * fps * (1.0 + blanking)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates that CSI-2 and SerDes planning quote for usual sensors, without blanking.
    #[test]
    fn camera_rates() {
        for (width, height, bits, fps, gbps) in [
            (1280, 960, 12, 30.0, 0.44),
            (1920, 1280, 12, 30.0, 0.88),
            (1920, 1536, 12, 30.0, 1.06),
            (3840, 2160, 12, 30.0, 2.99),
            (3840, 2160, 16, 30.0, 3.98),
            (3840, 2160, 12, 36.0, 3.58),
        ] {
            let rate = camera_bits_per_second(width, height, bits, fps, 0.0) * 1e-9;
            assert!((rate - gbps).abs() < 0.006, "{width}x{height}: {rate}");
        }
    }

    /// A frame of 3840 x 2160 in YUV 4:2:0 is 12.4 MB; eight cameras at 30 Hz are 3.0 GB/s a pass.
    #[test]
    fn frames_in_memory() {
        let frame = Image { width: 3840, height: 2160, layout: Layout::Yuv420, raw_bits: 12 };
        assert!((frame.bytes() * 1e-6 - 12.44).abs() < 0.01);
        assert!((frame.bytes() * 8.0 * 30.0 * 1e-9 - 2.99).abs() < 0.01);
        assert!((Image { layout: Layout::Raw, ..frame }.bytes() * 1e-6 - 12.44).abs() < 0.01);
    }
}
