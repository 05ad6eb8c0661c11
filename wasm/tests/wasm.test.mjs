// The module in Node.js: errors, and the probabilities of the command on this processor.
//
// MODULE, the built module; WINDVANE, the command `windvane`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { Windvane } from '../page/windvane.js';

const root = new URL('../../', import.meta.url).pathname;
const sample = `${root}crates/candles/sample/BTCUSDT.csv`;
const models = `${root}crates/models/tests/data/`;
const module = readFileSync(process.env.MODULE);
const TOLERANCE = 1e-6;

function native(model) {
    const command = ['predict', '--model', model, '--data', sample, '--json'];
    const options = { encoding: 'utf8', maxBuffer: 1 << 28 };
    const lines = execFileSync(process.env.WINDVANE, command, options).trim().split('\n');
    return lines.map((line) => JSON.parse(line));
}

// Largest difference of a probability.
function difference(found, expected) {
    const rows = found.direction.map((_, row) => row).filter((row) => found.direction[row] !== null);
    assert.equal(rows.length, expected.length);
    assert.ok(rows.length > 17_000);
    let largest = 0;
    expected.forEach(({ probabilities }, place) => {
        for (const name of ['up', 'down', 'neutral']) {
            largest = Math.max(largest, Math.abs(found[name][rows[place]] - probabilities[name]));
        }
    });
    return largest;
}

const saved = readdirSync(models).filter((name) => name.endsWith('.safetensors')).map((name) => models + name);
assert.ok(saved.length >= 13);
const ensemble = `${root}crates/ensemble/tests/data/ensemble.format1.safetensors`;

for (const model of [...saved, ensemble]) {
    test(`wasm_predicts_like_the_native_kernel ${model.slice(root.length)}`, async (context) => {
        const windvane = await Windvane.create(module);
        windvane.loadModel(readFileSync(model));
        windvane.readCandles('BTCUSDT.csv', readFileSync(sample));
        const start = performance.now();
        const found = windvane.predict();
        const micros = 1_000 * (performance.now() - start) / found.close.length;
        const largest = difference(found, native(model));
        context.diagnostic(`difference ${largest.toExponential(1)}, ${micros.toFixed(1)} µs a candle`);
        assert.ok(largest <= TOLERANCE, `${largest}`);
    });
}

test('wasm_pretrained_model_predicts_without_a_file_of_a_model', async () => {
    const windvane = await Windvane.create(module);
    const read = windvane.readCandles('BTCUSDT.csv', readFileSync(sample));
    assert.deepEqual([read.pair, read.interval, read.candles], ['BTCUSDT', '1h', 17_519]);
    const found = windvane.predict();
    assert.equal(found.model.id, 'v32-pretrained');
    for (const column of ['time', 'close', 'up', 'down', 'neutral', 'direction']) {
        assert.equal(found[column].length, 17_519, column);
    }
    assert.ok(found.tested.correct <= found.tested.predictions);
    assert.equal(found.up[0], null);
});

test('wasm_errors_say_what_is_wrong_and_keep_the_session', async () => {
    const windvane = await Windvane.create(module);
    assert.throws(() => windvane.predict(), /read a file of candles/);
    assert.throws(() => windvane.loadModel(new Uint8Array([1, 2, 3])), /model/);
    windvane.readCandles('BTCUSDT.csv', readFileSync(sample));
    assert.throws(() => windvane.readCandles("x.csv", new TextEncoder().encode("no candles")), /x.csv: line 1: there is no column open_time/);
    // A file that fails leaves no candles of the one before.
    assert.throws(() => windvane.predict(), /read a file of candles/);
    windvane.readCandles('BTCUSDT.csv', readFileSync(sample));
    assert.ok(windvane.predict().up.at(-1) > 0);
});
