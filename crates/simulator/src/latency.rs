//! How long answers took: a histogram of fixed size whose figures are right to one part in sixteen.

use std::time::Duration;

use serde::Serialize;

const STEPS: usize = 16;
const OCTAVES: usize = 36;

#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

/// Milliseconds that this part of the answers did not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub longest_ms: f64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: vec![0; STEPS * OCTAVES],
            total: 0,
            longest: Duration::ZERO,
        }
    }
}

impl Histogram {
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.longest = self.longest.max(took);
    }

    pub fn add(&mut self, other: &Histogram) {
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// The upper end of the bucket in which `share` (0 to 1) of the answers are reached.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return Duration::from_micros(upper_end(index)).min(self.longest);
            }
        }
        Duration::ZERO
    }

    pub fn latency(&self) -> Latency {
        let ms = |duration: Duration| duration.as_micros() as f64 / 1000.0;
        Latency {
            count: self.total,
            p50_ms: ms(self.quantile(0.5)),
            p90_ms: ms(self.quantile(0.9)),
            p99_ms: ms(self.quantile(0.99)),
            longest_ms: ms(self.longest),
        }
    }
}

/// Values below 16 have a bucket each; above, every power of two is cut into sixteen.
fn bucket(micros: u64) -> usize {
    let octave = micros.max(1).ilog2() as usize;
    if octave < 4 {
        return micros as usize;
    }
    let step = (micros >> (octave - 4)) as usize & (STEPS - 1);
    ((octave - 3) * STEPS + step).min(STEPS * OCTAVES - 1)
}

fn upper_end(index: usize) -> u64 {
    let (octave, step) = (index / STEPS, (index % STEPS) as u64);
    if octave == 0 {
        step
    } else {
        ((STEPS as u64 + step + 1) << (octave - 1)) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_one_part_in_sixteen() {
        let mut histogram = Histogram::default();
        for micros in 1..=100_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for share in [0.01, 0.5, 0.9, 0.99] {
            let (found, exact) = (
                histogram.quantile(share).as_micros() as f64,
                100_000.0 * share,
            );
            assert!(
                found >= exact && found <= exact * 1.0625,
                "{share}: {found}"
            );
        }
        assert_eq!(histogram.quantile(1.0), Duration::from_millis(100));
    }

    #[test]
    fn every_value_lies_in_the_bucket_whose_end_is_not_below_it() {
        for micros in (0..5000).chain([1 << 20, (1 << 30) + 7, 1 << 38]) {
            assert!(upper_end(bucket(micros)) >= micros, "{micros}");
            assert!(
                bucket(micros) == 0 || upper_end(bucket(micros) - 1) < micros,
                "{micros}"
            );
        }
        Histogram::default().record(Duration::MAX);
    }

    #[test]
    fn nothing_recorded_is_no_time() {
        assert_eq!(Histogram::default().latency(), Latency::default());
    }
}
