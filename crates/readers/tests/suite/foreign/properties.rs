use proptest::prelude::*;

use super::*;

/// Small files of every form, to be mutated.
fn seeds() -> Vec<Vec<u8>> {
    let ohlcv = |v: Ohlcv| format!("{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume);
    let list = rows(12, |t, v| format!("[{t}000,{}]", ohlcv(v)));
    let json = format!("[{}]", list.trim_end().replace('\n', ","));
    let csv = plain(12);
    vec![
        csv.clone().into_bytes(),
        rows(12, |t, v| format!("{};{}", date(t, "D.M.Y h:00"), ohlcv(v).replace(',', ";")))
            .into_bytes(),
        rows(12, |t, v| format!("{t},{},9", ohlcv(v))).into_bytes(),
        packed(csv.as_bytes()),
        zipped(&[("a.csv", csv.as_bytes())]),
        json.into_bytes(),
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_candles_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "[-0-9.,:;TZe\r\n\"# /]{0,400}",
        json in "[-0-9.,:\\[\\]{}\"ohlctv]{0,300}",
    ) {
        read_within_memory(&bytes);
        read_within_memory(&text);
        read_within_memory(format!("[{json}"));
        read_within_memory(format!("{HEAD}{text}"));
        for magic in [&b"PK\x03\x04"[..], b"\x1f\x8b\x08\0", b"ARROW1\0\0", b"PAR1", b"\xff\xfe"] {
            read_within_memory([magic, &bytes].concat());
        }
    }

    #[test]
    fn changed_files_give_candles_or_an_error(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seeds().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_within_memory(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        read_within_memory(&bytes);
    }

    #[test]
    fn cells_without_end_take_little_memory(
        cell in prop::sample::select(&[",", "[", "[]", "{}", "1,", "\"\",", "[],", "\n", "\"", ";;\n"][..]),
        times in 1_000usize..20_000,
        head in prop::sample::select(&["", "[", "{\"a\":[", HEAD, "1,"][..]),
    ) {
        read_within_memory(head.to_owned() + &cell.repeat(times));
    }

    #[test]
    fn what_was_written_is_read_back_bit_for_bit(
        prices in prop::collection::vec((0.01..1e6f64, 0.01..1e6f64, 0.0..1e9f64), 2..40),
        newest_first in any::<bool>(),
    ) {
        let mut lines = vec![];
        let mut expected = vec![];
        for (i, (open, close, volume)) in (0_i64..).zip(&prices) {
            let (high, low) = (open.max(*close), open.min(*close));
            let time = 1_704_067_200_000 + 3_600_000 * i;
            lines.push(format!("{time},{open},{high},{low},{close},{volume}\n"));
            expected.push(Ohlcv { open: *open, high, low, close: *close, volume: *volume });
        }
        if newest_first {
            lines.reverse();
        }
        let reading = read(HEAD.to_owned() + &lines.concat()).unwrap();
        let values: Vec<Ohlcv> = reading.series.iter().map(Candle::values).collect();
        prop_assert_eq!(values, expected);
    }
}
