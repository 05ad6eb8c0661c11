// Writes the page as one file, which opens without a server: `node page/build.mjs MODULE OUT`.
import { readFileSync, writeFileSync } from 'node:fs';

const [module, out] = process.argv.slice(2);
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const script = read('windvane.js').replace('export class', 'class') + read('page.js').replace(/^import .*\n/m, '');
const page = read('index.html')
    .replace('id="module">', () => `id="module">${readFileSync(module).toString('base64')}`)
    .replace('<script type="module" src="page.js">', () => `<script type="module">\n${script}`);
writeFileSync(out, page);
console.log(`${out}: ${page.length} bytes, of them the module ${readFileSync(module).length}`);
