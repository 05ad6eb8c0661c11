// The page in a browser, driven through its debugging pipe: `node tests/page.mjs BROWSER PAGE PICTURE`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [browser, page, picture] = process.argv.slice(2);
const sample = new URL('../../crates/candles/sample/BTCUSDT.csv', import.meta.url).pathname;
const model = new URL('../../crates/models/tests/data/trees.format1.safetensors', import.meta.url).pathname;

const profile = mkdtempSync(join(tmpdir(), 'windvane-page-'));
const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--window-size=1000,900', `file://${resolve(page)}`];
const child = spawn(browser, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

const waiting = new Map();
let last = 0, rest = '';
child.stdio[4].setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
        const { done, failed } = waiting.get(id) ?? {};
        waiting.delete(id);
        if (error) failed?.(new Error(error.message));
        else done?.(result);
    }
});

function call(method, params = {}, sessionId = undefined) {
    last += 1;
    child.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    return new Promise((done, failed) => waiting.set(last, { done, failed }));
}

async function test() {
    // The browser opens the page in its first window; only a visible window is drawn.
    const { targetInfos } = await call('Target.getTargets');
    const { targetId } = targetInfos.find(({ type }) => type === 'page');
    const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
    const own = (method, params) => call(method, params, sessionId);
    const value = async (expression) => {
        const { result } = await own('Runtime.evaluate', { expression, returnByValue: true });
        return result.value;
    };
    const choose = async (selector, file) => {
        const { root } = await own('DOM.getDocument');
        const { nodeId } = await own('DOM.querySelector', { nodeId: root.nodeId, selector });
        await own('DOM.setFileInputFiles', { nodeId, files: [file] });
    };
    const reach = async (wanted) => {
        for (let tries = 0; tries < 300; tries++) {
            const state = await value('document.body?.dataset.state');
            if (state === wanted) return;
            await new Promise((wake) => setTimeout(wake, 100));
        }
        assert.fail(`state ${wanted} not reached: ${await value('document.body.innerText')}`);
    };
    await reach('ready');
    await choose('#candles', sample);
    await reach('done');
    assert.match(await value('document.getElementById("file").textContent'), /BTCUSDT: 17519 candles of 1h/);
    assert.match(await value('document.getElementById("model").textContent'), /v32-pretrained/);
    assert.equal(await value('document.querySelectorAll("#rows tr").length'), 12);
    assert.ok(await value('document.querySelectorAll("#plot polygon").length') > 60);
    console.log(await value('document.getElementById("status").textContent'));
    const { data } = await own('Page.captureScreenshot', { format: 'png' });
    writeFileSync(picture, Buffer.from(data, 'base64'));

    await choose('#saved', model);
    await reach('done');
    assert.match(await value('document.getElementById("model").textContent'), /Model trees/);
    // A file that is not a model is an error in words, and the page goes on.
    await choose('#saved', sample);
    await reach('failed');
    assert.match(await value('document.getElementById("status").textContent'), /invalid or damaged|model/);
    // A browser does not report the choice of the same file.
    const copy = join(profile, 'COPY.csv');
    copyFileSync(sample, copy);
    await choose('#candles', copy);
    await reach('done');
    // Nothing is wider than the page on a phone.
    await own('Emulation.setDeviceMetricsOverride', { width: 360, height: 740, deviceScaleFactor: 1, mobile: true });
    assert.ok(await value('document.documentElement.scrollWidth <= 360'));
    console.log('the page predicts, draws, loads a model and reports errors');
}

const limit = setTimeout(() => { console.error('no answer of the browser'); child.kill(); process.exit(1); }, 180_000);
try {
    await test();
} finally {
    clearTimeout(limit);
    child.kill();
    await new Promise((closed) => child.once('exit', closed));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
