// The page: a file of candles, its predictions, a plot and a table of the newest ones.
import { Windvane } from './windvane.js';

const SHOWN = 120; // candles in the plot
const LISTED = 12; // rows of the table
const WIDTH = 960, HEIGHT = 320, EDGE = 12;

const element = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const utc = (millis) => new Date(millis).toISOString().slice(0, 16).replace('T', ' ');

let windvane;
let file;

function show(state, text) {
    document.body.dataset.state = state;
    element('status').textContent = text;
}

// Runs a job after the browser has drawn the text about it, and shows its error.
async function job(text, work) {
    show('working', text);
    await new Promise((resolve) => setTimeout(resolve, 20));
    try {
        await work();
    } catch (error) {
        element('results').hidden = true;
        show('failed', error.message);
    }
}

async function predictFile() {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const read = windvane.readCandles(file.name, bytes);
    const start = performance.now();
    const found = windvane.predict();
    const millis = performance.now() - start;
    element('file').textContent =
        `${read.pair}: ${read.candles} candles of ${read.interval}, ${read.from} to ${read.until}, ${read.missing} missing`;
    element('model').textContent = describe(found);
    draw(found);
    list(found);
    element('results').hidden = false;
    show('done', `${read.candles} candles predicted in ${millis.toFixed(0)} ms`);
}

function describe({ model, tested }) {
    const until = model.trained_until ? `, fitted on candles up to ${model.trained_until}` : '';
    const correct = tested.predictions === 0
        ? 'The file has no candles after the training period, so its accuracy would show nothing.'
        : `After the training period: ${tested.predictions} predictions of UP or DOWN, ` +
          `${percent(tested.correct / tested.predictions)} correct.`;
    return `Model ${model.id}${until}. ${correct}`;
}

function item(tag, text) {
    const own = document.createElement(tag);
    own.textContent = text;
    return own;
}

function shape(tag, attributes, title) {
    const own = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) own.setAttribute(name, value);
    if (title) {
        const text = document.createElementNS('http://www.w3.org/2000/svg', 'title');
        text.textContent = title;
        own.append(text);
    }
    return own;
}

// Closes as a line; a triangle at each predicted direction, larger with its margin.
function draw(found) {
    const from = Math.max(0, found.close.length - SHOWN);
    const closes = found.close.slice(from);
    const [low, high] = [Math.min(...closes), Math.max(...closes)];
    const step = (WIDTH - 2 * EDGE) / Math.max(1, closes.length - 1);
    const x = (row) => EDGE + step * row;
    const y = (close) => HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (close - low) / (high - low || 1);
    const line = closes.map((close, row) => `${x(row).toFixed(1)},${y(close).toFixed(1)}`);
    const shapes = [shape('polyline', { points: line.join(' '), class: 'close' })];
    closes.forEach((close, row) => {
        const at = from + row, direction = found.direction[at];
        if (direction !== 'UP' && direction !== 'DOWN') return;
        const size = 2 + 12 * Math.abs(found.up[at] - found.down[at]);
        const tip = direction === 'UP' ? -size : size;
        const points = [[-size, 0], [size, 0], [0, 1.6 * tip]]
            .map(([dx, dy]) => `${(x(row) + dx).toFixed(1)},${(y(close) + dy).toFixed(1)}`);
        const title = `${utc(found.time[at])}: ${direction}, UP ${percent(found.up[at])}`;
        shapes.push(shape('polygon', { points: points.join(' '), class: direction.toLowerCase() }, title));
    });
    element('plot').replaceChildren(...shapes);
}

function list(found) {
    const rows = [];
    for (let at = found.close.length - 1; at >= 0 && rows.length < LISTED; at--) {
        if (found.direction[at] === null) continue;
        const cells = [utc(found.time[at]), found.close[at], found.direction[at],
            percent(found.up[at]), percent(found.down[at])];
        const row = document.createElement('tr');
        row.append(...cells.map((cell) => item('td', String(cell))));
        rows.push(row);
    }
    element('rows').replaceChildren(...rows);
}

element('candles').addEventListener('change', ({ target }) => {
    [file] = target.files;
    if (file) job('predicting …', predictFile);
});

element('saved').addEventListener('change', ({ target }) => {
    const [saved] = target.files;
    if (!saved) return;
    job('loading the model …', async () => {
        const model = windvane.loadModel(new Uint8Array(await saved.arrayBuffer()));
        if (file) await predictFile();
        else show('ready', `model ${model.id}: ${model.interval} candles`);
    });
});

async function start(module) {
    windvane = await Windvane.create(module);
    show('ready', 'ready');
}

const base64 = element('module').textContent.trim();
start(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)))
    .catch((error) => show('failed', error.message));
