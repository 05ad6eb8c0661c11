//! Size of the L1 data cache.
use std::sync::OnceLock;

/// Returns the size of the L1 data cache in bytes; 0 if the processor does not report it.
pub(crate) fn l1_data_cache_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe, reason = "cpuid is a safe function in newer compilers only")]
fn detect() -> usize {
    use std::arch::x86_64::{__cpuid, __cpuid_count};

    // SAFETY: every x86-64 processor has the instruction CPUID.
    let cpuid = |leaf, part| unsafe { __cpuid_count(leaf, part) };
    // SAFETY: as above.
    let highest = |leaf| unsafe { __cpuid(leaf) }.eax;
    // Cache parameters: leaf 4 of Intel, leaf 0x8000_001d of AMD. L1 is listed first.
    for (leaf, first) in [(4, 0), (0x8000_001d, 0x8000_0000)] {
        for part in (0..4).filter(|_| highest(first) >= leaf) {
            let cache = cpuid(leaf, part);
            let (kind, level) = (cache.eax & 0x1f, cache.eax >> 5 & 7);
            if (kind, level) == (1, 1) {
                let [line, sets] = [cache.ebx & 0xfff, cache.ecx].map(|last| last as usize + 1);
                let [partitions, ways] =
                    [cache.ebx >> 12 & 0x3ff, cache.ebx >> 22].map(|last| last as usize + 1);
                return line * sets * partitions * ways;
            }
        }
    }
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::l1_data_cache_bytes;

    #[test]
    fn cache_size_is_plausible() {
        let bytes = l1_data_cache_bytes();
        assert!(bytes == 0 || (8 << 10..=1 << 20).contains(&bytes), "{bytes} bytes");
        assert!(bytes.is_multiple_of(64));
    }
}
